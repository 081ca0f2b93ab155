# Sourced by ./quickstart and ./check: the system packages, the Rust toolchain and the target folder that a build needs.
#
# Debian and Ubuntu get what is missing by apt-get; elsewhere the script names it and stops.

# Whether a Vulkan driver is installed: a folder without one must not hide that the other has one.
prepare_vulkan_driver() {
    for driver in /usr/share/vulkan/icd.d/*.json /etc/vulkan/icd.d/*.json; do
        [ ! -e "$driver" ] || return 0
    done
    return 1
}

prepare_missing_packages() {
    missing=""
    command -v cc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
    command -v g++ >/dev/null 2>&1 || missing="$missing g++"
    command -v pkg-config >/dev/null 2>&1 || missing="$missing pkg-config"
    command -v curl >/dev/null 2>&1 || command -v cargo >/dev/null 2>&1 || missing="$missing curl ca-certificates"
    # Game controllers in the examples.
    pkg-config --exists libudev 2>/dev/null || missing="$missing libudev-dev"
    # The renderer loads the Vulkan loader at run time and needs one driver; Mesa's software driver works on any machine.
    ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1' || missing="$missing libvulkan1"
    prepare_vulkan_driver || missing="$missing mesa-vulkan-drivers"
    printf '%s' "$missing"
}

# What the tests of the windowed programs want besides: an X server without a screen, and what windows need.
prepare_missing_test_packages() {
    missing=""
    command -v Xvfb >/dev/null 2>&1 || missing="$missing xvfb"
    # winit opens these when a window is made.
    ldconfig -p 2>/dev/null | grep -q 'libX11\.so' || missing="$missing libx11-6"
    ldconfig -p 2>/dev/null | grep -q 'libX11-xcb\.so' || missing="$missing libx11-xcb1"
    ldconfig -p 2>/dev/null | grep -q 'libxkbcommon-x11\.so' || missing="$missing libxkbcommon-x11-0"
    ldconfig -p 2>/dev/null | grep -q 'libXcursor\.so' || missing="$missing libxcursor1"
    ldconfig -p 2>/dev/null | grep -q 'libXi\.so' || missing="$missing libxi6"
    ldconfig -p 2>/dev/null | grep -q 'libXrandr\.so' || missing="$missing libxrandr2"
    printf '%s' "$missing"
}

prepare_packages() {
    missing=$("$1")
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "Please install these packages (Debian's names) and run this again:$missing" >&2
        return 1
    fi
    sudo=""
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || { echo "Please run as root: apt-get install$missing" >&2; return 1; }
        sudo="sudo"
    fi
    echo "Installing$missing"
    $sudo apt-get update -qq
    # shellcheck disable=SC2086 # one word a package
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing
}

prepare_rust() {
    if ! command -v cargo >/dev/null 2>&1 && [ -f "$HOME/.cargo/env" ]; then
        . "$HOME/.cargo/env"
    fi
    if ! command -v cargo >/dev/null 2>&1; then
        echo "Installing Rust by rustup"
        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal --component clippy,rustfmt
        . "$HOME/.cargo/env"
    fi
    # One folder outside the checkout, so that every clone on a machine shares what is compiled.
    export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/bevy_likeness/target}"
}

prepare() {
    prepare_packages prepare_missing_packages && prepare_rust
}
