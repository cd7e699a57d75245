import { useSyncExternalStore } from "react";
import { createListeners } from "../api/listeners.ts";
import type { Zone } from "../text/durations.ts";

/** The person's choices in this browser. */
export interface Settings {
  readonly theme: "system" | "light" | "dark";
  readonly zone: Zone;
  readonly rows: "normal" | "compact";
  /** Single letters as shortcuts. */
  readonly shortcuts: boolean;
  readonly drafts: boolean;
}

const KEY = "stackyard-settings";
const DEFAULTS: Settings = { theme: "system", zone: "local", rows: "normal", shortcuts: true, drafts: true };
const listeners = createListeners();
let settings = load();

function load(): Settings {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return { ...DEFAULTS, ...(typeof kept === "object" ? kept : {}) };
  } catch {
    // Storage is blocked, or someone wrote to it: the defaults work.
    return DEFAULTS;
  }
}

/** Changes settings, and keeps them where the browser lets the page. */
export function changeSettings(change: Partial<Settings>): void {
  settings = { ...settings, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // Kept until the page is closed.
  }
  applyTheme();
  listeners.notify();
}

/** Returns the present settings. */
export function useSettings(): Settings {
  return useSyncExternalStore(listeners.subscribe, () => settings);
}

const dark = typeof matchMedia === "function" ? matchMedia("(prefers-color-scheme: dark)") : undefined;
dark?.addEventListener("change", applyTheme);

/** Sets the page's theme by choice or system. */
export function applyTheme(): void {
  const theme = settings.theme === "system" ? (dark?.matches ? "dark" : "light") : settings.theme;
  document.documentElement.dataset["theme"] = theme;
  document.documentElement.dataset["density"] = settings.rows;
}
