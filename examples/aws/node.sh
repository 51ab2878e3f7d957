#!/bin/sh
# User data for the machines of an auto scaling group, on Debian: nodes that come and go, and hand over before they do.
# Run: aws ec2 create-launch-template --launch-template-data "{\"UserData\": \"$(base64 -w0 examples/aws/node.sh)\", …}"
#
# The three Redis servers are those of redis.sh. The package of leader lies in a bucket; the instance profile may read
# it, and the parameter /leader/password. A machine that the group ends is shut down, so that its agent hands over at
# SIGTERM and is forgotten by the others. Before a spot instance is taken away, leader-spot does the same two minutes
# earlier, while jobs can still come to their end.
set -eu
export DEBIAN_FRONTEND=noninteractive AWS_DEFAULT_REGION=eu-west-1
apt-get update
apt-get install -y awscli curl
aws s3 cp s3://my-bucket/leader.deb /root/leader.deb
apt-get install -y /root/leader.deb

cat >/usr/local/sbin/leader-metadata <<'END'
#!/bin/sh
# What the metadata service of this machine says under a path; ends with 22 if there is nothing.
set -eu
service=http://169.254.169.254/latest
token=$(curl -fsS -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$service/api/token")
exec curl -fs -m 5 -H "X-aws-ec2-metadata-token: $token" "$service/meta-data/$1"
END

cat >/usr/local/sbin/leader-spot <<'END'
#!/bin/sh
# Waits for the notice that this spot instance is to be taken away, in two minutes, and hands over.
set -eu
until notice=$(leader-metadata spot/instance-action); do
    sleep 5
done
echo "hands over: $notice"
# Jobs have a minute to end, and are stopped then, if they run under the leadership. It is refused where this node does
# not lead, and until another one is able to.
until leader step-down --drain --timeout 60s || leader step-down || ! leader is-leader; do
    sleep 5
done
# Nor is this node to lead again. An instance that is only stopped comes back, and is then free to.
leader pause --for 10m --reason "this spot instance is to be taken away"
END
chmod 755 /usr/local/sbin/leader-metadata /usr/local/sbin/leader-spot

cat >/etc/systemd/system/leader-spot.service <<'END'
[Unit]
Description=Hands leadership over before this spot instance is taken away
After=leader.service
[Service]
ExecStart=/usr/local/sbin/leader-spot
Restart=on-failure
RestartSec=5
[Install]
WantedBy=multi-user.target
END

(
    umask 027
    aws ssm get-parameter --name /leader/password --with-decryption --query Parameter.Value --output text \
        >/etc/leader/password
    chgrp leader /etc/leader/password
)
name=$(leader-metadata instance-id)
cat >/etc/leader/leader.toml <<END
cluster = "prod"
[node]
name = "$name"
[quorum]
instances = ["redis://10.0.0.11:6379", "redis://10.0.1.11:6379", "redis://10.0.2.11:6379"]
lease = "10s"
username = "agent"
password_file = "/etc/leader/password"
END
leader config check

systemctl daemon-reload
systemctl enable --now leader leader-spot
