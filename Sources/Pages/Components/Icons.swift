import HTML

/// Our icons: 16 by 16, one stroke of 1.5, drawn once a page and used by reference.
public enum Icon: CaseIterable, Sendable {
    case today, host, patch, campaign, activity, settings, search, shield, warning, unknown, check, info, dot, reboot,
        silent,
        stale, broken, restart, chevron, copy, person, key, organisation, sun, moon, system, download, plus, clock, up,
        down, close, session, menu, lock, package, label, terminal, bug, queue

    var id: StaticString {
        switch self {
        case .today: "i-today"
        case .host: "i-host"
        case .patch: "i-patch"
        case .campaign: "i-campaign"
        case .activity: "i-activity"
        case .settings: "i-settings"
        case .search: "i-search"
        case .shield: "i-shield"
        case .warning: "i-warning"
        case .unknown: "i-unknown"
        case .check: "i-check"
        case .info: "i-info"
        case .dot: "i-dot"
        case .reboot: "i-reboot"
        case .silent: "i-silent"
        case .stale: "i-stale"
        case .broken: "i-broken"
        case .restart: "i-restart"
        case .chevron: "i-chevron"
        case .copy: "i-copy"
        case .person: "i-person"
        case .key: "i-key"
        case .organisation: "i-organisation"
        case .sun: "i-sun"
        case .moon: "i-moon"
        case .system: "i-system"
        case .download: "i-download"
        case .plus: "i-plus"
        case .clock: "i-clock"
        case .up: "i-up"
        case .down: "i-down"
        case .close: "i-close"
        case .session: "i-session"
        case .menu: "i-menu"
        case .lock: "i-lock"
        case .package: "i-package"
        case .label: "i-label"
        case .terminal: "i-terminal"
        case .bug: "i-bug"
        case .queue: "i-queue"
        }
    }

    var outline: StaticString {
        switch self {
        case .today:
            "M2.5 6.5h11M5 1.75v2.5M11 1.75v2.5M4 3h8a1.5 1.5 0 0 1 1.5 1.5v8A1.5 1.5 0 0 1 12 14H4a1.5 1.5 0 0 1-1.5-1.5v-8A1.5 1.5 0 0 1 4 3zM5.75 10l1.6 1.6 3-3.1"
        case .host:
            "M3.5 2.25h9A1.25 1.25 0 0 1 13.75 3.5v2.25A1.25 1.25 0 0 1 12.5 7h-9a1.25 1.25 0 0 1-1.25-1.25V3.5A1.25 1.25 0 0 1 3.5 2.25zM3.5 9h9a1.25 1.25 0 0 1 1.25 1.25v2.25a1.25 1.25 0 0 1-1.25 1.25h-9a1.25 1.25 0 0 1-1.25-1.25v-2.25A1.25 1.25 0 0 1 3.5 9zM5 4.6h.01M5 11.4h.01M8 4.6h3M8 11.4h3"
        case .patch:
            "M9.6 2.2l4.2 4.2a1.5 1.5 0 0 1 0 2.1l-5.3 5.3a1.5 1.5 0 0 1-2.1 0L2.2 9.6a1.5 1.5 0 0 1 0-2.1l5.3-5.3a1.5 1.5 0 0 1 2.1 0zM5 4.8l6.2 6.2M8 6.6h.01M8 9.4h.01M6.6 8h.01M9.4 8h.01"
        case .campaign: "M13.75 2.25L7 9M13.75 2.25l-4.25 11.5L7 9 2.25 6.500z"
        case .activity: "M1.75 8.5h2.5l2-5.75 3.5 10.5 2-4.75h2.5"
        case .settings:
            "M2 4.5h6.5M12.5 4.5H14M2 11.5h1.5M7.5 11.5H14M10.5 2.75a1.75 1.75 0 1 1 0 3.5 1.75 1.75 0 0 1 0-3.5zM5.5 9.75a1.75 1.75 0 1 1 0 3.5 1.75 1.75 0 0 1 0-3.5z"
        case .search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.4 10.4l3.1 3.1"
        case .shield:
            "M8 1.75l5.25 1.9v3.9c0 3.1-2.1 5.6-5.25 6.7-3.15-1.1-5.25-3.6-5.25-6.7v-3.9zM8 5v3.25M8 10.75h.01"
        case .warning: "M8 2.25l6.1 10.9a.6.6 0 0 1-.5.9H2.4a.6.6 0 0 1-.5-.9zM8 6.25v3.25M8 11.75h.01"
        case .unknown:
            "M8 1.9a6.1 6.1 0 1 1 0 12.2A6.1 6.1 0 0 1 8 1.9zM6.2 6.3a1.85 1.85 0 1 1 2.7 1.6c-.6.35-.9.7-.9 1.35M8 11.35h.01"
        case .check: "M8 1.9a6.1 6.1 0 1 1 0 12.2A6.1 6.1 0 0 1 8 1.9zM5.4 8.2l1.8 1.8 3.4-3.7"
        case .info: "M8 1.9a6.1 6.1 0 1 1 0 12.2A6.1 6.1 0 0 1 8 1.9zM8 7.4v3.4M8 5.1h.01"
        case .dot: "M8 5.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z"
        case .reboot: "M8 1.75v6M4.6 4a5.6 5.6 0 1 0 6.8 0"
        case .silent:
            "M2 2l12 12M4.2 6.6A6 6 0 0 1 6.3 5.3M9.7 5.3A6 6 0 0 1 12 6.8M6.2 9.2a2.9 2.9 0 0 1 1.5-.75M8 12h.01M1.8 4.4a9.4 9.4 0 0 1 1.6-1.1M6.4 2.3a9.6 9.6 0 0 1 7.8 2.1"
        case .stale: "M8 1.9a6.1 6.1 0 1 1 0 12.2A6.1 6.1 0 0 1 8 1.9zM8 4.75V8l2.3 1.5"
        case .broken: "M8 1.9l5.4 3v6.2L8 14.1l-5.4-3V4.9zM2.8 5L8 8l5.2-3M8 8v6M9.9 3l-5.2 3"
        case .restart: "M13.25 3v3.25H10M2.75 13V9.75H6M12.9 6.2A5.25 5.25 0 0 0 3.5 5.3M3.1 9.8a5.25 5.25 0 0 0 9.4.9"
        case .chevron: "M6 3.5L10.5 8 6 12.5"
        case .copy:
            "M6.5 5.5h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-6a1 1 0 0 1-1-1v-6a1 1 0 0 1 1-1zM10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2"
        case .person:
            "M8 2.25a2.75 2.75 0 1 1 0 5.5 2.75 2.75 0 0 1 0-5.5zM2.75 13.75c.4-2.6 2.5-4 5.25-4s4.85 1.4 5.25 4"
        case .key: "M10.5 2a3.5 3.5 0 1 1-1.2 6.8L8 10H6.5v1.5H5V13H2.5v-2.5l4.7-4.7A3.5 3.5 0 0 1 10.500 2zM11 5h.01"
        case .organisation:
            "M2.5 13.75V3.5a1 1 0 0 1 1-1h5a1 1 0 0 1 1 1v10.25M9.500 6.500h3a1 1 0 0 1 1 1v6.250M1.750 13.750h12.500M5 5.500h2M5 8h2M5 10.500h2M11.500 9.250v.01M11.500 11.250v.01"
        case .sun:
            "M8 5.25a2.75 2.75 0 1 1 0 5.5 2.75 2.75 0 0 1 0-5.5zM8 1.500v1.250M8 13.250v1.250M1.500 8h1.250M13.250 8h1.250M3.400 3.400l.9.9M11.700 11.700l.9.9M12.600 3.400l-.9.9M4.300 11.700l-.9.9"
        case .moon: "M13.250 9.600A5.750 5.750 0 0 1 6.400 2.750a5.500 5.500 0 1 0 6.850 6.850z"
        case .system:
            "M3 2.750h10a1 1 0 0 1 1 1v6.500a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1v-6.500a1 1 0 0 1 1-1zM6 13.750h4M8 11.250v2.500"
        case .download: "M8 2.250v7.500M4.750 6.750L8 10l3.250-3.250M2.750 13.250h10.500"
        case .plus: "M8 3v10M3 8h10"
        case .clock: "M8 1.900a6.100 6.100 0 1 1 0 12.200A6.100 6.100 0 0 1 8 1.900zM8 4.750V8h2.750"
        case .up: "M8 12.500v-9M4.250 7.250L8 3.500l3.750 3.750"
        case .down: "M8 3.500v9M4.250 8.750L8 12.500l3.750-3.750"
        case .close: "M4 4l8 8M12 4l-8 8"
        case .session:
            "M2.750 3h10.500a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H2.750a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM1.750 6h12.500M4 4.500h.01"
        case .menu: "M2.500 4.500h11M2.500 8h11M2.500 11.500h11"
        case .lock:
            "M4 7h8a1 1 0 0 1 1 1v5a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1zM5.250 7V5a2.750 2.750 0 0 1 5.500 0v2"
        case .package: "M8 1.900l5.400 3v6.200L8 14.100l-5.400-3V4.900zM2.800 5L8 8l5.200-3M8 8v6"
        case .label: "M2.500 2.500h5l6 6a1 1 0 0 1 0 1.400l-3.600 3.600a1 1 0 0 1-1.400 0l-6-6zM5.250 5.250h.01"
        case .terminal:
            "M2.750 3h10.500a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H2.750a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM4.250 6l2 2-2 2M8 10.250h3.500"
        case .bug:
            "M8 5.5a3 3 0 0 1 3 3V11a3 3 0 0 1-6 0V8.5a3 3 0 0 1 3-3zM6 5.8V5a2 2 0 0 1 4 0v.8M8 9v5M1.75 9.5H5M11 9.5h3.25M2.75 4.5L5.2 7M13.25 4.5L10.8 7M2.75 14l2.4-2M13.25 14l-2.4-2"
        case .queue:
            "M6.25 3.75h7.5M6.25 8h7.5M6.25 12.25h7.5M2 3.75l.9.9 1.6-1.8M2.6 8h.01M2.6 12.25h.01"
        }
    }
}

/// An icon beside words that say the same.
func icon(_ icon: Icon) -> HTML {
    svg(.class("icon"), .viewBox(16, 16), .ariaHidden(), .focusable(false)) { use(.symbol(icon.id)) }
}

/// Where the icons of a page are drawn.
func iconSheet() -> HTML {
    svg(.class("icon-sheet"), .ariaHidden(), .focusable(false)) {
        Icon.allCases.map { icon in
            symbol(.id("\(icon.id)"), .viewBox(16, 16)) { path(.d(icon.outline)) }
        }
    }
}

/// Our mark: an f whose bar is a tick.
func logo() -> HTML {
    svg(.class("logo"), .viewBox(32, 32), .ariaHidden(), .focusable(false)) {
        rect(.class("logo-ground"), .width(32), .height(32), .rx(9))
        path(.class("logo-stem"), .d("M21.500 7.500c-4.800-1-7.500 1.200-7.500 5.500v12"))
        path(.class("logo-tick"), .d("M9 15.500l4.800 4 9.200-8"))
    }
}
