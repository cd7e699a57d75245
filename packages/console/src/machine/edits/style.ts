import { columnOf, extentsOf, isEmpty, isFlow, isOneLine } from "./layout.ts";
import type { Plain } from "./operation.ts";
import type { Quote, Style } from "./render.ts";
import type { Element, Item, ListItem, MapItem, Source } from "./source.ts";

/** Returns how a new member of a map or list is written: as its siblings, else as the rest of the document. */
export function findStyle(source: Source, collection: Item): Style {
  const all = listCollections(source.root);
  const near = collection.kind === "scalar" ? [] : [...childrenOf(collection).map(({ value }) => value), ...all];
  return {
    quote: findQuote(source, collection),
    padMap: findPadding(source, near, "map") ?? true,
    padList: findPadding(source, near, "list") ?? false,
    step: findStep(source, collection, "map") ?? 2,
    listStep: findStep(source, collection, "list") ?? 2,
    prefersFlow: (key, value) => findFlow(source, key) ?? isShort(key, value),
    flowItems: findFlowItems(all) ?? true,
  };
}

function childrenOf(item: Item): readonly Element[] {
  if (item.kind === "map") return item.entries;
  return item.kind === "list" ? item.items : [];
}

/** Returns every written map and list, in the order of the text. */
export function listCollections(root: Item): readonly (MapItem | ListItem)[] {
  if (root.kind === "scalar") return [];
  const inner = childrenOf(root).flatMap(({ value, alias }) => (alias === undefined ? listCollections(value) : []));
  return [root, ...inner];
}

function findQuote({ root }: Source, collection: Item): Quote {
  if (collection.kind === "map" && collection.entries.length > 0) return commonQuote(keyTypes(collection)) ?? "plain";
  const items = collection.kind === "list" ? collection.items : [];
  const own = commonQuote(items.map(({ value }) => (value.kind === "scalar" ? value.node?.type : undefined)));
  return own ?? commonQuote(keyTypes(root)) ?? "plain";
}

function keyTypes({ entries }: MapItem): readonly (string | undefined)[] {
  return entries.map(({ keyNode }) => keyNode.type);
}

/** Returns the quotes that all of them have; undefined if they differ, and without any to compare. */
function commonQuote([first, ...rest]: readonly (string | undefined)[]): Quote | undefined {
  if (rest.some((type) => type !== first)) return undefined;
  return first === "QUOTE_DOUBLE" ? "double" : first === "QUOTE_SINGLE" ? "single" : undefined;
}

function findPadding({ text }: Source, items: readonly Item[], kind: "map" | "list"): boolean | undefined {
  const found = items.find(
    (item) => item.kind === kind && isFlow(item) && !isEmpty(item) && isOneLine(text, item.range),
  );
  return found && /\s/.test(text[found.range.from + 1] ?? "");
}

/** Returns how far block maps, or lists, are indented under their keys. */
function findStep(source: Source, collection: Item, kind: "map" | "list"): number | undefined {
  const maps = [collection, ...listCollections(source.root)].filter((item) => item.kind === "map" && !isFlow(item));
  for (const map of maps as readonly MapItem[]) {
    for (const { value, alias, keyRange } of map.entries) {
      if (alias !== undefined || value.kind !== kind || isFlow(value) || isEmpty(value)) continue;
      const [first] = extentsOf(value);
      if (first !== undefined) return columnOf(source, first.start) - columnOf(source, keyRange.from);
    }
  }
  return undefined;
}

/** Returns how the document writes maps and lists under a key of this name. */
function findFlow({ root }: Source, key: string): boolean | undefined {
  for (const item of listCollections(root)) {
    if (item.kind !== "map") continue;
    const entry = item.entries.find((each) => each.key === key && each.alias === undefined);
    if (entry !== undefined && entry.value.kind !== "scalar" && !isEmpty(entry.value)) return isFlow(entry.value);
  }
  return undefined;
}

const BLOCK_KEYS = new Set(["on", "config", "states", "tasks"]);

function isShort(key: string, value: Plain): boolean {
  const parts: readonly Plain[] = typeof value === "object" && value !== null ? Object.values(value) : [];
  const isFlat = parts.every((part) => typeof part !== "object" || part === null);
  return isFlat && (Array.isArray(value) || !BLOCK_KEYS.has(key));
}

function findFlowItems(all: readonly Item[]): boolean | undefined {
  for (const item of all) {
    if (item.kind !== "list" || isFlow(item)) continue;
    const map = item.items.find(({ value, alias }) => value.kind === "map" && alias === undefined)?.value;
    if (map !== undefined && !isEmpty(map)) return isFlow(map);
  }
  return undefined;
}
