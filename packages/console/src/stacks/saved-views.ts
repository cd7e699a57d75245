import { useSyncExternalStore } from "react";
import { createListeners } from "../api/listeners.ts";
import type { Search } from "../design/links.tsx";
import { FILTER_NAMES } from "./stack-filter.ts";

/** A view of the list of stacks under a name: the parts of its address. */
export interface SavedView {
  readonly name: string;
  readonly search: Search;
}

/** The parts of an address that make a view: what is listed, in which order, and how it is shown. */
export const VIEW_PARTS: readonly string[] = [...Object.keys(FILTER_NAMES), "sort", "show", "columns", "group", "view"];

const MOST_VIEWS = 20;
const listeners = createListeners();
const cached = new Map<string, { readonly text: string; readonly views: readonly SavedView[] }>();

/** Returns the parts of an address that make a view. */
export function toViewSearch(search: Search): Search {
  const parts = VIEW_PARTS.flatMap((part) => (search[part] ? [[part, search[part]] as const] : []));
  return Object.fromEntries(parts);
}

/** Returns true when both addresses show the same. */
export function isSameView(a: Search, b: Search): boolean {
  return VIEW_PARTS.every((part) => (a[part] ?? "") === (b[part] ?? ""));
}

/** Returns the views that the person has saved in this browser, in the order of saving. */
export function useSavedViews(person: string): readonly SavedView[] {
  return useSyncExternalStore(subscribe, () => readViews(person));
}

/**
 * Saves a view in the place of the former one, or of one with its name; a name is there once. Returns false when there are 20
 * others.
 */
export function saveView(person: string, view: SavedView, former = view.name): boolean {
  const views = readViews(person).filter(({ name }) => name === former || name !== view.name);
  const isKnown = views.some(({ name }) => name === former);
  if (!isKnown && views.length >= MOST_VIEWS) return false;
  writeViews(person, isKnown ? views.map((each) => (each.name === former ? view : each)) : [...views, view]);
  return true;
}

/** Removes the view with that name. */
export function removeView(person: string, name: string): void {
  writeViews(
    person,
    readViews(person).filter((each) => each.name !== name),
  );
}

function subscribe(listener: () => void): () => void {
  const unsubscribe = listeners.subscribe(listener);
  // Other tabs of the browser.
  globalThis.addEventListener?.("storage", listener);
  return () => {
    unsubscribe();
    globalThis.removeEventListener?.("storage", listener);
  };
}

const toKey = (person: string) => `stackyard-views ${person}`;

function readViews(person: string): readonly SavedView[] {
  const text = readText(toKey(person));
  const known = cached.get(person);
  if (known?.text === text) return known.views;
  const views = parseViews(text);
  cached.set(person, { text, views });
  return views;
}

function readText(key: string): string {
  try {
    return localStorage.getItem(key) ?? "[]";
  } catch {
    // Storage is blocked: what was saved is kept until the page is closed.
    return unstored.get(key) ?? "[]";
  }
}

const unstored = new Map<string, string>();

function writeViews(person: string, views: readonly SavedView[]): void {
  const text = JSON.stringify(views);
  unstored.set(toKey(person), text);
  try {
    localStorage.setItem(toKey(person), text);
  } catch {
    // Kept until the page is closed.
  }
  listeners.notify();
}

/** Reads what the storage has; what is not a view is left out. */
export function parseViews(text: string): readonly SavedView[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.flatMap(parseView).slice(0, MOST_VIEWS) : [];
  } catch {
    return [];
  }
}

function parseView(value: unknown): readonly SavedView[] {
  if (typeof value !== "object" || value === null || !("name" in value) || !("search" in value)) return [];
  const { name, search } = value;
  if (typeof name !== "string" || name === "" || typeof search !== "object" || search === null) return [];
  const texts = Object.entries(search).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return [{ name, search: toViewSearch(Object.fromEntries(texts)) }];
}
