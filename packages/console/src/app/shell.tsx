import { Outlet, useRouterState } from "@tanstack/react-router";
import { useState } from "react";
import { useMe } from "../api/access.ts";
import { isSignedOut, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { POLL_MS } from "../api/refetch.ts";
import { loadSignInWays, type SignInWays } from "../api/sign-in-ways.ts";
import { countOf, useConditionCounts } from "../api/use-condition-counts.ts";
import { useFreshness, useLiveRetry, useLiveState } from "../api/use-live.tsx";
import { useLoad } from "../api/use-load.ts";
import { Button } from "../design/button.tsx";
import { Dialog } from "../design/dialog.tsx";
import { HistoryEntry } from "../design/kept-places.ts";
import { TextLink, To } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { changeSettings, useSettings } from "../design/settings.ts";
import { useNow } from "../design/text.tsx";
import { useMedia } from "../design/use-media.ts";
import { formatTime } from "../text/durations.ts";
import { Palette } from "./palette.tsx";
import { ShortcutHelp, useShortcuts } from "./shortcuts.tsx";

const NAVIGATION: readonly (readonly [string, string, "phone"?])[] = [
  ["/", "Overview", "phone"],
  ["/inbox", "Inbox", "phone"],
  ["/stacks", "Stacks", "phone"],
  ["/approvals", "Approvals", "phone"],
  ["/machines", "Machines"],
  ["/jobs", "Jobs"],
  ["/releases", "Releases"],
  ["/artifacts", "Artifacts"],
  ["/states", "Terraform"],
  ["/yard", "Yard"],
  ["/audit", "Audit"],
  ["/access", "Access"],
];

/** Renders everything around a page: navigation, freshness, who is signed in. */
export function Shell() {
  const [open, setOpen] = useState<"palette" | "help">();
  const entry = useRouterState({ select: ({ location: { state } }) => state.__TSR_key ?? "" });
  useShortcuts({ openPalette: () => setOpen("palette"), openHelp: () => setOpen("help") });
  return (
    <>
      <a className="skip-link button" href="#main">
        Skip to content
      </a>
      <header className="shell-header">
        <To path="/" className="shell-brand">
          Stackyard
        </To>
        <Button look="plain" label="Search screens and stacks" onPress={() => setOpen("palette")}>
          Search <kbd>Ctrl K</kbd>
        </Button>
        <div className="shell-end">
          <Freshness />
          <ZoneSwitch />
          <ThemeSwitch />
          <Person />
        </div>
      </header>
      <Navigation />
      <SignInOverlay />
      <WorkerBanner />
      <main id="main" className="shell-main" tabIndex={-1}>
        <HistoryEntry value={entry}>
          <Outlet />
        </HistoryEntry>
      </main>
      {open === "palette" && <Palette onClose={() => setOpen(undefined)} navigation={NAVIGATION} />}
      {open === "help" && <ShortcutHelp onClose={() => setOpen(undefined)} />}
    </>
  );
}

function Navigation() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const { data: counts } = useConditionCounts();
  const shown: Readonly<Record<string, number>> = {
    "/inbox": countOf(counts, "failed"),
    "/approvals": countOf(counts, "approval"),
  };
  const isPhone = useMedia("(max-width: 639px)");
  const toLink = ([to, title]: (typeof NAVIGATION)[number]) => (
    <To key={to} path={to} current={path === to}>
      {title}
      {(shown[to] ?? 0) > 0 && ` (${shown[to]})`}
    </To>
  );
  return (
    <>
      <nav className="shell-nav" aria-label="Screens">
        {NAVIGATION.filter(([, , kind]) => !(isPhone && kind === "phone")).map(toLink)}
      </nav>
      {isPhone && (
        <nav className="shell-nav bottom" aria-label="Main screens">
          {NAVIGATION.filter(([, , kind]) => kind === "phone").map(toLink)}
        </nav>
      )}
    </>
  );
}

/** How long a stream may take before the page says that none comes. */
const PATIENCE_MS = 10_000;

function Freshness() {
  const fresh = useFreshness();
  const { zone } = useSettings();
  const now = useNow();
  if (fresh.kind === "live") return <Mark status="quiet" word="Live" />;
  const age = now - fresh.sinceMs;
  if (fresh.kind !== "unreachable") {
    if (fresh.kind === "signed-out" || age < PATIENCE_MS) return <Mark status="waiting" word="Connecting" />;
    return (
      <span title="Requests are answered, but no live updates arrive. A proxy probably holds back event streams.">
        <Mark status="waiting" word={`Live updates blocked: fetching every ${POLL_MS / 1_000} s`} />
      </span>
    );
  }
  const seconds = Math.round(age / 1_000);
  const word = age < PATIENCE_MS ? `Reconnecting ${seconds} s` : `Stale since ${formatTime(fresh.sinceMs, zone)}`;
  return <Mark status="overdue" word={word} />;
}

function ZoneSwitch() {
  const { zone } = useSettings();
  const other = zone === "utc" ? "local" : "utc";
  return (
    <Button
      look="plain"
      label={`Times in ${zone === "utc" ? "UTC" : "local time"}; change`}
      onPress={() => changeSettings({ zone: other })}
    >
      {zone === "utc" ? "UTC" : "Local"}
    </Button>
  );
}

const THEMES = ["system", "light", "dark"] as const;

function ThemeSwitch() {
  const { theme } = useSettings();
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
  return (
    <Button look="plain" label={`Theme: ${theme}; change to ${next}`} onPress={() => changeSettings({ theme: next })}>
      {theme === "system" ? "Auto" : theme === "light" ? "Light" : "Dark"}
    </Button>
  );
}

function Person() {
  const { data: me } = useMe();
  if (me === undefined) return null;
  return (
    <span className="row">
      <TextLink path="/access" search={{ tab: "me" }} text={me.name} />
      {me.via === "cookie" && (
        <form method="post" action="/auth/logout">
          <Button type="submit" look="plain">
            Sign out
          </Button>
        </form>
      )}
    </span>
  );
}

/** Renders the sign-in after the session has ended, which returns to this address. Unsaved input remains until then. */
function SignInOverlay() {
  const { error, refetch } = useMe();
  const live = useLiveState();
  const retry = useLiveRetry();
  const [closed, setClosed] = useState(false);
  const isOut = isSignedOut(error) || live.kind === "signed-out";
  const { data: ways } = useLoad(keys.other("sign-in"), loadSignInWays, { enabled: isOut, staleTime: 60_000 });
  if (!isOut || closed) return null;
  return (
    <Dialog title="Sign in" onClose={() => setClosed(true)}>
      <section>
        <p>You are not signed in, or your session has ended.</p>
        <div className="row">
          {ways !== undefined && <SignInLinks ways={ways} />}
          <Button
            onPress={() => {
              void refetch();
              retry();
            }}
          >
            Try again
          </Button>
        </div>
        {ways?.code && (
          <p className="muted">
            An administrator's terminal prints an address with a one-time code: <code>stackyard console</code>.
          </p>
        )}
      </section>
    </Dialog>
  );
}

/** Renders a link for each way in that the server has. All return to this address. */
function SignInLinks({ ways: { people, code } }: { ways: SignInWays }) {
  const query = `return=${encodeURIComponent(location.pathname + location.search)}`;
  if (!people && !code) {
    return (
      <p>
        This server has no sign-in for browsers: set <code>access.people</code>, or <code>server.url</code> for one-time
        codes.
      </p>
    );
  }
  return (
    <>
      {people && (
        <a className="button primary" href={`/auth/login?${query}`}>
          Sign in
        </a>
      )}
      {code && (
        <a className={people ? "button" : "button primary"} href={`/auth/local?${query}`}>
          Use a one-time code
        </a>
      )}
    </>
  );
}

/** Renders a warning on every page if there is no worker. */
function WorkerBanner() {
  const { data } = useLoad(keys.count("processes"), ({ signal }) => yard.processes.list({ limit: 1_000, signal }), {
    refetchInterval: 30_000,
  });
  if (data === undefined || data.items.some((process) => process.roles.includes("worker") && !process.gone)) {
    return null;
  }
  return (
    <p className="banner" role="alert">
      <Mark status="overdue" word="No worker runs: tasks stay queued." /> <To path="/yard">Open the yard</To>
    </p>
  );
}
