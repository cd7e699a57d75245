import type { Point } from "@stackyard/core/drawing";
import { createContext } from "react";

/** A text that was being edited, kept in this browser. */
export interface Draft {
  readonly text: string;
  /** The saved text that it began from. */
  readonly base: string;
}

/** Where states were moved to, in pixels, by name. */
type Positions = Readonly<Record<string, Point>>;

interface Kept<Value> {
  readonly load: (key: string) => Value | undefined;
  /** Returns false where the browser keeps nothing. */
  readonly save: (key: string, value: Value | undefined) => boolean;
}

/** Keeps the newest values of a kind in the browser; a browser that blocks storage keeps none. */
function createKept<Value>(name: string, most: number): Kept<Value> {
  const read = (): readonly (readonly [string, Value])[] => {
    try {
      const kept: unknown = JSON.parse(localStorage.getItem(name) ?? "[]");
      return Array.isArray(kept) ? kept.filter((entry) => Array.isArray(entry) && typeof entry[0] === "string") : [];
    } catch {
      return [];
    }
  };
  return {
    load: (key) => read().find(([own]) => own === key)?.[1],
    save(key, value) {
      const others = read().filter(([own]) => own !== key);
      const entries = value === undefined ? others : [[key, value] as const, ...others];
      try {
        localStorage.setItem(name, JSON.stringify(entries.slice(0, most)));
        return true;
      } catch {
        // Blocked or full: the text stays in the page.
        return false;
      }
    },
  };
}

/**
 * Whose drafts are kept here: those of one person are never shown to another. Empty where nobody signs in, undefined while it
 * is not known who does: then none are kept.
 */
export const DraftOwner = createContext<string | undefined>("");

/** Texts that are being edited. */
export const drafts = createKept<Draft>("stackyard-drafts", 20);

/** Where states were moved to. */
export const positions = createKept<Positions>("stackyard-layouts", 50);
