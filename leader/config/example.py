"""The commented file that `leader config init` writes; filled in, it passes `leader config check`."""

EXAMPLE = """\
# The configuration of this node's leader agent. What stands behind a # is off: a default or an example.
# Check it with `leader config check`, see what is in effect with `leader config show`.
# In the environment, LEADER_CLUSTER, LEADER_NODE, LEADER_QUORUM, LEADER_LEASE and LEADER_PASSWORD_FILE win.

# The name that all nodes of one cluster share. Keys on the instances begin with leader:<cluster>:
cluster = "main"

[node]
# name = "web-1"                    # default: the host name

[quorum]
# Independent Redis (or Valkey) servers: no replicas, no cluster, no Sentinel, none that evicts keys.
# Three survive the loss of one, five of two. Every node must list the same servers.
instances = [
#   "redis://10.0.0.11:6379",
#   "redis://10.0.1.11:6379",
#   "rediss://10.0.2.11:6379",
]
# How long a crashed leader's lease lasts at most: from 1s to 1h, the same on every node.
lease = "10s"
# username = "leader"
# password_file = "/etc/leader/password"     # or systemd: LoadCredential=leader.password:/etc/leader/password
# tls = { ca_file = "/etc/leader/ca.pem" }   # also cert_file, key_file
generation = 1
# The list and the lease change in two steps, each a generation, with [quorum.previous]: see the README.

# What the nodes contend for. With no [elections.*], there is one, called default.
[elections.default]
priority = 100                      # the higher one is preferred; 0: this node never leads, it only observes
# preempt = true                    # this node, when it leads, makes room for one of a higher priority ...
# preempt_delay = "30s"             # ... that has been able to lead for so long (default: three leases)

# [elections.reports]
# priority = 50

# An unfit node does not lead, and hands over what it leads. All of it is checked each interval.
# [fitness]
# command = ["/usr/local/bin/fit"]   # exit code 0: fit; its last line is shown as the reason
# interval = "10s"
# timeout = "5s"
# rise = 2                          # so many good checks in a row make it fit again
# fall = 3                          # so many bad ones make it unfit
# max_load_per_cpu = 8.0            # also: max_memory = "95%", min_free_disk = { "/" = "2%" },
# required_mounts = ["/srv"]        # required_processes = ["nginx"]

# A device that resets this machine if its agent stands still while it leads (after modprobe softdog, say).
# [watchdog]
# mode = "automatic"                # where there is one; "required": without it this node does not lead
# device = "/dev/watchdog"
# safety_margin = "1s"              # to end the jobs before the reset; default: a tenth of the lease

# [api]
# listen = "127.0.0.1:8009"         # TCP for load balancers and monitoring, to read only; off by default
# socket_mode = "0666"              # who may open the agent's socket
"""
