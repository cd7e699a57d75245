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
  /** Columns of the list of stacks, in their order; empty: the usual ones. */
  readonly stackColumns: string;
  /** Show when each line of a log was logged. */
  readonly logTimes: boolean;
}

const KEY = "stackyard-settings";
const DEFAULTS: Settings = {
  theme: "system",
  zone: "local",
  rows: "normal",
  shortcuts: true,
  drafts: true,
  stackColumns: "",
  logTimes: false,
};
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
// Chromium announces no change that a page has read before: `matches` is read here alone.
let isSystemDark = dark?.matches ?? false;
dark?.addEventListener("change", ({ matches }) => {
  isSystemDark = matches;
  applyTheme();
  listeners.notify();
});

function findTheme(): "light" | "dark" {
  if (settings.theme !== "system") return settings.theme;
  return isSystemDark ? "dark" : "light";
}

/** Returns the theme of the page, by choice or system: for what is drawn with its colors. */
export function useTheme(): "light" | "dark" {
  return useSyncExternalStore(listeners.subscribe, findTheme);
}

/** Sets the page's theme by choice or system. */
export function applyTheme(): void {
  document.documentElement.dataset["theme"] = findTheme();
  document.documentElement.dataset["density"] = settings.rows;
}
