#!/bin/sh
# User data for a machine that keeps one of three small Redis servers, each in a zone of its own, on Debian.
# Run: aws ec2 run-instances --user-data file://examples/aws/redis.sh --private-ip-address 10.0.0.11 …
#
# The next one has 10.0.1.11 in the next zone's subnet, the third 10.0.2.11. They are no replicas of each other, and
# a t4g.nano is large enough. One that is replaced is started with the same address, and may be empty: it votes again
# after one lease. The security group admits the nodes alone, on port 6379; the instance profile may read the
# parameter /leader/password, a SecureString.
set -eu
export DEBIAN_FRONTEND=noninteractive AWS_DEFAULT_REGION=eu-west-1
apt-get update
apt-get install -y awscli redis-server
password=$(aws ssm get-parameter --name /leader/password --with-decryption --query Parameter.Value --output text)

cat >>/etc/redis/redis.conf <<END
bind *
maxmemory-policy noeviction
appendonly yes
user default off resetpass
user agent on >$password resetkeys ~leader:prod:* resetchannels &leader:prod:* -@all +evalsha +script|load +hget +hmget +hset +hdel +hgetall +hlen +hexists +del +info +time +publish +subscribe +ping +select +client|setname
END
systemctl enable redis-server
systemctl restart redis-server
