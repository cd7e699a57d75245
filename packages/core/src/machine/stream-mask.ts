import type { MaskText } from "./mask-text.ts";
import { MASK } from "./secrets.ts";
import { SEARCH_START, type TextSearch } from "./text-search.ts";

/** One line of a stream. */
export interface StreamLine {
  readonly text: string;
  /** Lines of the same channel are pieces of one text, with any lines between them. Default: "" */
  readonly channel?: string;
  /** The length of a prefix that is not part of the text. Default: 0 */
  readonly prefix?: number;
}

/** Masks the lines of a stream, also secrets that are split over lines. The order of lines never changes. */
export interface StreamMask {
  /** Takes a line. Returns the masked lines that later ones cannot change. */
  push(line: StreamLine): readonly string[];
  /** Returns the lines that are held back because they may end with the beginning of a secret. */
  flush(): readonly string[];
  isHolding(): boolean;
}

/** Shorter texts are not searched across lines: they would be found where no secret is. */
export const SHORTEST_SPLIT = 8;

/** Blanks, and the frames that Terraform draws, are not part of a text that is split. */
const BLANK = /[\s\u2500-\u257f]+/g;

/** Returns a text as `createStreamMask` compares it: without blanks. */
export function toSolidText(text: string): string {
  return text.replace(BLANK, "");
}

interface Range {
  readonly from: number;
  readonly to: number;
}

interface Channel {
  state: number;
  /** Characters so far, without blanks. */
  length: number;
  /** The masked ranges, in order, without overlaps. */
  ranges: Range[];
}

interface HeldLine extends Range {
  readonly text: string;
  readonly channel: Channel;
  /** Where in the text the characters from `from` to `to` of the channel are. */
  readonly places: readonly number[];
}

/** Creates a mask for one stream: `mask` masks single lines, `search` finds solid texts across lines. */
export function createStreamMask(mask: MaskText, search: TextSearch): StreamMask {
  const channels = new Map<string, Channel>();
  let held: HeldLine[] = [];
  const release = (isDone: (line: HeldLine) => boolean): readonly string[] => {
    const open = held.findIndex((line) => !isDone(line));
    if (open === 0) return [];
    const done = open === -1 ? held : held.slice(0, open);
    held = open === -1 ? [] : held.slice(open);
    const texts = done.map((line) => toMasked(line, mask));
    const kept = new Map<Channel, number>();
    for (const { channel, from } of held) kept.set(channel, Math.min(from, kept.get(channel) ?? from));
    for (const channel of new Set(done.map((line) => line.channel))) {
      const start = kept.get(channel) ?? channel.length;
      channel.ranges = channel.ranges.filter(({ to }) => to > start);
    }
    return texts;
  };
  return {
    push({ text, channel: name = "", prefix = 0 }) {
      const channel = channels.get(name) ?? { state: SEARCH_START, length: 0, ranges: [] };
      channels.set(name, channel);
      held.push(readLine(channel, search, { text, prefix }));
      return release((line) => line.to <= line.channel.length - search.pending(line.channel.state));
    },
    flush() {
      for (const channel of channels.values()) {
        const pending = search.pending(channel.state);
        // Its end may come later, or never. It is hidden beyond the end, so as a part of something longer.
        if (pending >= SHORTEST_SPLIT) addRange(channel, { from: channel.length - pending, to: channel.length + 1 });
      }
      return release(() => true);
    },
    isHolding: () => held.length > 0,
  };
}

function readLine(channel: Channel, search: TextSearch, { text, prefix }: Required<Omit<StreamLine, "channel">>) {
  const from = channel.length;
  const places: number[] = [];
  for (let at = prefix; at < text.length; at += 1) {
    if (isBlank(text, at)) continue;
    places.push(at);
    channel.state = search.next(channel.state, text.charCodeAt(at));
    channel.length += 1;
    const length = search.matched(channel.state);
    if (length > 0) addRange(channel, { from: channel.length - length, to: channel.length });
  }
  return { text, channel, places, from, to: channel.length };
}

function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code > 0x20 && code < 0x7f) return false;
  return text[at]?.replace(BLANK, "") === "";
}

/** Adds a range that ends last, and merges it with those that it overlaps. */
function addRange({ ranges }: Channel, { from, to }: Range): void {
  let start = from;
  for (let last = ranges.at(-1); last !== undefined && last.to > start; last = ranges.at(-1)) {
    start = Math.min(start, last.from);
    ranges.pop();
  }
  ranges.push({ from: start, to });
}

function toMasked({ text, channel, places, from, to }: HeldLine, mask: MaskText): string {
  const inside = channel.ranges.filter((range) => range.from < to && range.to > from);
  if (inside.every((range) => range.from >= from && range.to <= to)) return mask(text);
  const parts: string[] = [];
  let end = 0;
  for (const range of inside) {
    const first = places[Math.max(range.from, from) - from] ?? end;
    const last = places[Math.min(range.to, to) - from - 1] ?? first;
    parts.push(mask(text.slice(end, first)));
    end = last + 1;
  }
  return [...parts, mask(text.slice(end))].join(MASK);
}
