import { useEffect, useRef } from "react";
import { Dialog } from "../design/dialog.tsx";
import { KeyList } from "../design/key-list.tsx";
import { useGo } from "../design/links.tsx";
import { changeSettings, useSettings } from "../design/settings.ts";

const SCREENS: Readonly<Record<string, string>> = { o: "/", i: "/inbox", s: "/stacks", m: "/machines", j: "/jobs" };
const SEQUENCE_MS = 1_000;
/** The keys that continue while they are held. */
const STEPS: ReadonlySet<string> = new Set(["j", "k"]);

interface Handlers {
  readonly openPalette: () => void;
  readonly openHelp: () => void;
}

/**
 * Handles the keys that work on every page. Pages add their own by attributes: `/` focuses `[data-shortcut="/"]`, `r`
 * and others press the button with that attribute, `j` and `k` move over `[data-row]`, Enter opens the row's first
 * link.
 */
export function useShortcuts({ openPalette, openHelp }: Handlers): void {
  const go = useGo();
  const { shortcuts } = useSettings();
  const goAt = useRef(0);
  useEffect(() => {
    const act = (key: string, inSequence: boolean): boolean => {
      const screen = inSequence ? SCREENS[key] : undefined;
      if (screen === undefined) return moveRow(key) || selectRow(key) || pressShortcut(key);
      go(screen);
      return true;
    };
    const onLetter = (event: KeyboardEvent) => {
      const inSequence = event.timeStamp - goAt.current < SEQUENCE_MS;
      goAt.current = event.key === "g" ? event.timeStamp : 0;
      if (event.key === "?") openHelp();
      else if (act(event.key, inSequence)) event.preventDefault();
    };
    const onKey = (event: KeyboardEvent) => {
      if (isPaletteKey(event)) {
        event.preventDefault();
        openPalette();
        // A key that is held acts once; only the steps over rows continue.
      } else if (shortcuts && !(event.repeat && !STEPS.has(event.key)) && !isModified(event) && !isTyping(event))
        onLetter(event);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [go, shortcuts, openPalette, openHelp]);
}

function isModified({ ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  return ctrlKey || metaKey || altKey;
}

/** With Shift, the keys are the browser's own, such as those of its tools for developers. */
function isPaletteKey(event: KeyboardEvent): boolean {
  return (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && toLatin(event) === "k";
}

/** Returns the letter of a key; on a layout without Latin letters, the one at its place on a US keyboard. */
function toLatin({ key, code }: KeyboardEvent): string {
  const isOther = key.length === 1 && (key.codePointAt(0) ?? 0) > 0x24f;
  return (isOther ? code.replace(/^Key/, "") : key).toLowerCase();
}

/** How this computer names the keys of the search. */
export const PALETTE_KEYS: string = /Mac|iP(hone|ad|od)/.test(navigator.platform) ? "⌘ K" : "Ctrl K";

function isTyping({ target }: KeyboardEvent): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest("input, textarea, select, [contenteditable], dialog, [role=dialog]") !== null
  );
}

function moveRow(key: string): boolean {
  if (key !== "j" && key !== "k") return false;
  const by = key === "j" ? 1 : -1;
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const present = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[present === -1 ? (by > 0 ? 0 : rows.length - 1) : present + by];
  (next?.querySelector<HTMLElement>("a") ?? next?.querySelector<HTMLElement>("button, input"))?.focus();
  return true;
}

/** Selects the focused row when `x` is pressed; returns false otherwise. */
function selectRow(key: string): boolean {
  const box = document.activeElement?.closest("[data-row]")?.querySelector<HTMLElement>("input[type=checkbox]");
  if (key !== "x" || !box) return false;
  box.click();
  return true;
}

function pressShortcut(key: string): boolean {
  if (!/^[a-z/[\],.]$/.test(key)) return false;
  const found = document.querySelector<HTMLElement>(`[data-shortcut="${CSS.escape(key)}"]`);
  const element = found?.matches("a, button, input") ? found : found?.querySelector<HTMLElement>("a, button, input");
  if (element instanceof HTMLInputElement) element.focus();
  else element?.click();
  return element !== undefined && element !== null;
}

const KEYS: readonly (readonly [string, string])[] = [
  [PALETTE_KEYS, "Search screens, stacks and actions"],
  ["g o · g i · g s · g m · g j", "Overview, Inbox, Stacks, Machines, Jobs"],
  ["/", "Filter"],
  ["j · k", "Next, previous row"],
  ["Enter", "Open the row"],
  ["x", "Select the row"],
  ["[ · ]", "Previous, next stack of the list"],
  [", · .", "Previous, next position of a history"],
  ["r", "Retry"],
  ["l", "Log"],
  ["b", "Bundle"],
  ["Esc", "Close"],
];

/** Renders all keys, and the switch that turns single letters off (WCAG 2.1.4). */
export function ShortcutHelp({ onClose }: { onClose: () => void }) {
  const { shortcuts } = useSettings();
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <section>
        <KeyList keys={KEYS} />
        <label className="row">
          <input
            type="checkbox"
            checked={shortcuts}
            onChange={(event) => changeSettings({ shortcuts: event.target.checked })}
          />
          Single letters act
        </label>
      </section>
    </Dialog>
  );
}
