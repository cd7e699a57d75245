/** Finds texts in a stream of characters, in linear time (Aho and Corasick, "Efficient string matching", 1975). */
export interface TextSearch {
  /** Returns the state after a character. */
  next(state: number, code: number): number;
  /** Returns the length of the longest text that ends here; 0 for none. */
  matched(state: number): number;
  /** Returns how many of the last characters may be the beginning of a text that is not complete yet. */
  pending(state: number): number;
}

/** The state before the first character. */
export const SEARCH_START = 0;

/** More characters of all texts would take too much memory; the shortest texts count. */
const MAX_CHARS = 1024 * 1024;

interface Trie {
  /** By node and code. */
  readonly edges: Map<number, number>;
  readonly parents: number[];
  readonly codes: number[];
  readonly depths: number[];
  readonly matched: number[];
}

/** Creates a search for these texts. */
export function createTextSearch(texts: Iterable<string>): TextSearch {
  const trie = toTrie(texts);
  const fallbacks = toFallbacks(trie);
  const pending = toPending(trie, fallbacks);
  const next = (state: number, code: number): number => findNext(trie, fallbacks, { state, code });
  return {
    next,
    matched: (state) => trie.matched[state] ?? 0,
    pending: (state) => pending[state] ?? 0,
  };
}

function toTrie(texts: Iterable<string>): Trie {
  const trie: Trie = { edges: new Map(), parents: [0], codes: [0], depths: [0], matched: [0] };
  let left = MAX_CHARS;
  for (const text of [...new Set(texts)].sort((a, b) => a.length - b.length)) {
    left -= text.length;
    if (left < 0) break;
    addText(trie, text);
  }
  return trie;
}

function addText({ edges, parents, codes, depths, matched }: Trie, text: string): void {
  let node = SEARCH_START;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    let child = edges.get(toEdge(node, code));
    if (child === undefined) {
      child = parents.length;
      edges.set(toEdge(node, code), child);
      parents.push(node);
      codes.push(code);
      depths.push(at + 1);
      matched.push(0);
    }
    node = child;
  }
  matched[node] = text.length;
}

function toEdge(node: number, code: number): number {
  return node * 0x1_0000 + code;
}

/** Returns for each node the node of its longest end that begins a text. Completes what is matched at each node. */
function toFallbacks(trie: Trie): readonly number[] {
  const { parents, codes, depths, matched } = trie;
  const fallbacks: number[] = parents.map(() => SEARCH_START);
  for (const node of toOrder(trie)) {
    if ((depths[node] ?? 0) < 2) continue;
    const state = fallbacks[parents[node] ?? 0] ?? 0;
    const fallback = findNext(trie, fallbacks, { state, code: codes[node] ?? 0 });
    fallbacks[node] = fallback;
    matched[node] ||= matched[fallback] ?? 0;
  }
  return fallbacks;
}

/** Returns the nodes, the nearest to the start first. */
function toOrder({ depths }: Trie): readonly number[] {
  return [...depths.keys()].sort((a, b) => (depths[a] ?? 0) - (depths[b] ?? 0));
}

function toPending(trie: Trie, fallbacks: readonly number[]): readonly number[] {
  const { parents, depths } = trie;
  const inner = new Set(parents);
  const pending = [...depths];
  for (const node of toOrder(trie)) if (!inner.has(node)) pending[node] = pending[fallbacks[node] ?? 0] ?? 0;
  return pending;
}

interface SearchStep {
  readonly state: number;
  readonly code: number;
}

function findNext({ edges }: Trie, fallbacks: readonly number[], { state, code }: SearchStep): number {
  for (let node = state; ; node = fallbacks[node] ?? SEARCH_START) {
    const child = edges.get(toEdge(node, code));
    if (child !== undefined) return child;
    if (node === SEARCH_START) return SEARCH_START;
  }
}
