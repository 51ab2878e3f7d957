#!/bin/sh
# A virtual address that is on whichever node leads: called by the agent's hooks, and as a service.
# Run as root on every node, by the service manager: examples/address/address.sh 10.0.0.100/24 eth0
#
# The hooks of leader.toml, beside this, move it at once, and a planned hand-over waits until it is gone here. But an
# agent that was killed runs no hook: so the service asks once a second, takes the address away unless this node surely
# leads, and announces it anew where it does. That is sooner than another node can lead, with a lease of 5 s or more.
# A machine that is dead answers for no address; one that was frozen has it for about a second after it thaws, while
# its neighbours know the new place.
#
# The agent's service must allow it: the package has the drop-in address.conf. It leaves the announcement to the other
# service, up to a second later. arping is that of iputils (Debian: iputils-arping).
set -eu
address=$1
interface=$2

if [ -z "${LEADER_EVENT-}" ]; then
    while :; do
        LEADER_EVENT=asked "$0" "$@" || :
        sleep 1
    done
fi

# A hook and the service never act on an answer that the other has overtaken.
exec 9<"$0"
flock 9

here() { [ -n "$(ip -oneline address show dev "$interface" to "${address%/*}")" ]; }

# At a loss nobody is asked: the hand-over waits for this.
if [ "$LEADER_EVENT" != lost ] && leader is-leader "${LEADER_ELECTION:-default}" 2>/dev/null; then
    here || ip address add "$address" dev "$interface"
    # it stays for an answer that does not come: nobody waits for that
    arping -q -U -c 1 -I "$interface" "${address%/*}" >/dev/null 2>&1 9<&- &
elif here; then
    ip address delete "$address" dev "$interface"
fi
