#!/bin/busybox sh
# Process 1 of a guest: file systems, loopback, then the cases. Results leave by the second serial port.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
exec </dev/null >/dev/ttyS0 2>&1
ip link set lo up
hostname guest

word() {
    for w in $(cat /proc/cmdline); do
        case $w in "$1="*) echo "${w#*=}" ;; esac
    done
}
if [ "$(word guest.cgroup)" = v1 ]; then
    mount -t tmpfs cgroup /sys/fs/cgroup
    for controller in memory pids cpuset cpu,cpuacct; do
        mkdir "/sys/fs/cgroup/$controller"
        mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller"
    done
    # What systemd does where it finds an old kernel with a choice.
    echo 1 >/sys/fs/cgroup/memory/memory.use_hierarchy
else
    mount -t cgroup2 cgroup /sys/fs/cgroup
fi
case $(word guest.without) in
tracefs) ;;
tracefs-rw) mount -t tracefs -o ro tracefs /sys/kernel/tracing ;;
*) mount -t tracefs tracefs /sys/kernel/tracing ;;
esac
[ "$(word guest.without)" = kmsg ] && rm /dev/kmsg
# The agent keeps the kernel log to itself; nobody needs it on a slow console.
dmesg -n 1
stty -F /dev/ttyS1 raw -echo
guest-inside /dev/ttyS1
echo "guest: inside ended with $?, up $(cut -d' ' -f1 /proc/uptime) s"
poweroff -f
