import { Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { toPerson, useMe } from "../api/access.ts";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useFreshness, useNewPerson } from "../api/use-live.tsx";
import { useLoad } from "../api/use-load.ts";
import { useYardName } from "../api/use-yard-name.ts";
import { Icon } from "../design/icon.tsx";
import { keepFocus } from "../design/kept-focus.ts";
import { HistoryEntry } from "../design/kept-places.ts";
import { To } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { AccountMenu } from "./account-menu.tsx";
import { Breadcrumb } from "./breadcrumb.tsx";
import { Freshness } from "./freshness.tsx";
import { Navigation } from "./navigation.tsx";
import { Palette } from "./palette.tsx";
import { ProductMark, useFavicon } from "./product-mark.tsx";
import { PLACES } from "./screens.ts";
import { PALETTE_KEYS, ShortcutHelp, useShortcuts } from "./shortcuts.tsx";
import { SignInOverlay, SignInPage, useIsStranger } from "./sign-in.tsx";

/** Renders everything around a page; for a person who is not signed in yet, the sign-in alone. */
export function Shell() {
  const isStranger = useIsStranger();
  const person = usePerson();
  return isStranger ? <SignInPage /> : <Console key={person} />;
}

/** Returns who is signed in; of another person nothing that is typed or shown stays. */
function usePerson(): string {
  const { data } = useMe();
  const known = useRef<string>(undefined);
  const isOther = useNewPerson();
  const person = data === undefined ? undefined : toPerson(data);
  useEffect(() => {
    if (person === undefined) return;
    if (known.current !== undefined && known.current !== person) isOther();
    known.current = person;
  });
  // The first answer does not change the person: it names who opened the page.
  const [first, setFirst] = useState<string>();
  if (first === undefined && person !== undefined) setFirst(person);
  return person === undefined || person === first ? "" : person;
}

/** Renders navigation, freshness, who is signed in, and the page. */
function Console() {
  const [open, setOpen] = useState<"palette" | "help">();
  const entry = useRouterState({ select: ({ location: { state } }) => state.__TSR_key ?? "" });
  useShortcuts({ openPalette: () => setOpen("palette"), openHelp: () => setOpen("help") });
  useFavicon();
  useEffect(keepFocus, []);
  const yardName = useYardName();
  return (
    <div className="shell">
      <button type="button" className="skip-link button" onClick={skipToHead}>
        Skip to content
      </button>
      <To path="/" className="shell-brand">
        <ProductMark />
        <span className="brand-words">
          Stackyard{yardName !== undefined && <span title={yardName}>{yardName}</span>}
        </span>
      </To>
      <Navigation />
      <header className="shell-header">
        <Breadcrumb />
        <button
          type="button"
          className="shell-search"
          aria-label="Search screens and stacks"
          onClick={() => setOpen("palette")}
        >
          <Icon name="search" />
          <span>Stacks, screens, actions</span>
          <kbd>{PALETTE_KEYS}</kbd>
        </button>
        <span className="shell-fresh">
          <Freshness />
        </span>
        <AccountMenu onHelp={() => setOpen("help")} />
      </header>
      <SignInOverlay />
      <div className="shell-content">
        <ProxyBanner />
        <WorkerBanner />
        <main id="main" className="shell-main" tabIndex={-1}>
          <HistoryEntry value={entry}>
            <Outlet />
          </HistoryEntry>
        </main>
      </div>
      {open === "palette" && <Palette onClose={() => setOpen(undefined)} navigation={PLACES} />}
      {open === "help" && <ShortcutHelp onClose={() => setOpen(undefined)} />}
    </div>
  );
}

/** Goes to the head of the page, past the list next to it. */
function skipToHead(): void {
  (document.querySelector<HTMLElement>("main h1") ?? document.getElementById("main"))?.focus();
}

/** Renders what to do while something between the page and the yard answers with a web page. */
function ProxyBanner() {
  if (useFreshness().kind !== "web-page") return null;
  return (
    <p className="banner" role="alert">
      <Mark
        status="overdue"
        word="Something between this page and the yard answers with a web page, probably its own sign-in."
      />{" "}
      <a href="/" target="_blank" rel="noreferrer">
        Sign in again in another tab
      </a>
      , and come back: what you have typed stays.
    </p>
  );
}

/** Renders a warning on every page of a yard without workers. */
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
