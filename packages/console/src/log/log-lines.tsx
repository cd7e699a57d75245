import { keepStart } from "@stackyard/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import { Button } from "../design/button.tsx";
import { Icon } from "../design/icon.tsx";
import { To, useSearch } from "../design/links.tsx";
import { toPlainText } from "../text/ansi.ts";
import { formatBytes } from "../text/format-bytes.ts";
import { toSafeText } from "../text/safe-text.ts";
import { AnsiText } from "./ansi-text.tsx";
import { LineTime } from "./line-time.tsx";
import { findLine, isNearlyFull, type LogBuffer, type LogLine, MAX_LINE } from "./log-buffer.ts";
import { isCause } from "./log-causes.ts";
import type { LogReader } from "./log-reader.ts";
import type { ShownLines } from "./log-sections.ts";
import type { Fold, Folds } from "./use-folds.ts";
import type { ShownTimes } from "./use-log-times.ts";

const LINE_PX = 24;
/** Lines before the edge at which more is loaded. */
const NEAR = 200;

interface LinesProps {
  readonly reader: LogReader;
  readonly buffer: LogBuffer;
  readonly size: number;
  readonly selected: number | undefined;
  readonly follow: boolean;
  readonly wrap: boolean;
  readonly folds: Folds;
  readonly times: ShownTimes;
  readonly onLeaveEnd: () => void;
}

/** Renders the lines of a log that are in view, and loads more near the edges of what is kept. */
export function Lines({ reader, buffer, size, selected, follow, wrap, folds, times, onLeaveEnd }: LinesProps) {
  const { lines, firstNumber } = buffer;
  const { shown } = folds;
  const scroller = useRef<HTMLElement>(null);
  const virtualizer = useVirtualizer({
    count: shown.count,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    // The lines around the first place are the first that are rendered; those of the beginning would load what is before them.
    initialOffset: () => shown.rowOf(toFirstIndex(buffer, selected)) * LINE_PX,
    initialRect: { width: 0, height: window.innerHeight },
    getItemKey: (row) => lines[shown.lineOf(row)]?.at ?? row,
    overscan: 20,
  });
  const items = virtualizer.getVirtualItems();
  const [first, last] = [shown.lineOf(items[0]?.index ?? 0), shown.lineOf(items.at(-1)?.index ?? 0)];
  useKeptPlace(virtualizer, buffer, shown, first, follow);
  useEffect(() => {
    if (follow) virtualizer.scrollToIndex(shown.count - 1, { align: "end" });
  }, [follow, shown.count, virtualizer]);
  useShownLine({ virtualizer, reader, buffer, shown, selected, follow });
  // Few rows may contain many lines: what is kept would then be replaced again and again.
  const isReplaced = folds.anyFolded && isNearlyFull(buffer);
  const loaded = useRef(false);
  useEffect(() => {
    // The first place is scrolled to before anything more is loaded.
    if (!loaded.current) {
      loaded.current = true;
      return;
    }
    if (isReplaced) return;
    if (first < NEAR && buffer.from > 0) void reader.loadEarlier();
    else if (last > lines.length - NEAR && buffer.to < size) void reader.loadLater();
  }, [first, last, lines.length, buffer.from, buffer.to, size, reader, isReplaced]);
  return (
    <section
      className={wrap ? "log wrapped" : "log"}
      ref={scroller}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the area is scrolled with the keyboard
      tabIndex={0}
      aria-label="Lines of the log"
      onWheel={({ deltaY }) => deltaY < 0 && onLeaveEnd()}
      onKeyDown={({ key }) => ["ArrowUp", "PageUp", "Home"].includes(key) && onLeaveEnd()}
      onTouchMove={onLeaveEnd}
    >
      <div className="log-lines" style={{ height: virtualizer.getTotalSize() }}>
        <div style={{ transform: `translateY(${items[0]?.start ?? 0}px)` }}>
          {items.map(({ index: row, key }) => {
            const index = shown.lineOf(row);
            const line = lines[index];
            return line === undefined ? null : (
              <div key={key} data-index={row} ref={virtualizer.measureElement}>
                <Line
                  line={line}
                  number={firstNumber === undefined ? undefined : firstNumber + index}
                  selected={selected === line.at}
                  fold={folds.foldAt(index)}
                  times={times}
                />
              </div>
            );
          })}
        </div>
      </div>
    </section>
  );
}

/** Returns where a log is opened: at its selected line, else at its end. */
function toFirstIndex(buffer: LogBuffer, selected: number | undefined): number {
  const index = selected === undefined ? -1 : findLine(buffer, selected);
  return index === -1 ? buffer.lines.length - 1 : index;
}

type Virtualizer = ReturnType<typeof useVirtualizer<HTMLElement, Element>>;

/** Keeps the position when lines are inserted before it. */
function useKeptPlace(
  virtualizer: Virtualizer,
  buffer: LogBuffer,
  shown: ShownLines,
  first: number,
  follow: boolean,
): void {
  const before = useRef<{ readonly from: number; readonly at: number | undefined }>(undefined);
  useEffect(() => {
    const kept = before.current;
    if (kept !== undefined && kept.from !== buffer.from && kept.at !== undefined && !follow) {
      const index = findLine(buffer, kept.at);
      if (index !== -1) virtualizer.scrollToIndex(shown.rowOf(index), { align: "start" });
    }
    before.current = { from: buffer.from, at: buffer.lines[first]?.at };
  });
}

interface ShownLine extends Pick<LinesProps, "reader" | "buffer" | "selected" | "follow"> {
  readonly virtualizer: Virtualizer;
  readonly shown: ShownLines;
}

/** Scrolls to a selected line, and loads it where it is not kept. At first, without one, to the end. */
function useShownLine({ virtualizer, reader, buffer, shown, selected, follow }: ShownLine): void {
  const shownAt = useRef<number | "end">(undefined);
  useEffect(() => {
    if (shownAt.current === undefined && selected === undefined) {
      shownAt.current = "end";
      virtualizer.scrollToIndex(shown.count - 1, { align: "end" });
    }
    if (selected === undefined || shownAt.current === selected || follow) return;
    const index = findLine(buffer, selected);
    if (index === -1) {
      if (selected < reader.getState().size) void reader.open(selected);
      return;
    }
    shownAt.current = selected;
    virtualizer.scrollToIndex(shown.rowOf(index), { align: "center" });
  }, [virtualizer, reader, buffer, shown, selected, follow]);
}

/** Characters of a line that are shown at first. */
const MAX_SHOWN = 16_384;

interface LineProps {
  readonly line: LogLine;
  readonly number: number | undefined;
  readonly selected: boolean;
  /** The fold of the section with this title. */
  readonly fold: Fold | undefined;
  readonly times: ShownTimes;
}

function Line({ line, number, selected, fold, times }: LineProps) {
  const { at, text } = line;
  const search = useSearch();
  const { q: sought = "" } = search;
  const fits = sought !== "" && toPlainText(text).toLowerCase().includes(sought.toLowerCase());
  const isFailed = isCause(text) || fold?.hiddenCause === true;
  const classes = ["log-line", selected && "selected", fits && "fits", isFailed && "cause", fold && "log-title"];
  return (
    <div className={classes.filter(Boolean).join(" ")} {...(selected && { "aria-current": "true" as const })}>
      <span className="log-number">
        <To path="/log" search={{ ...search, line: String(at) }}>
          {number ?? "·"}
          <span className="hidden-visually">{number === undefined ? `Line at byte ${at}` : ""}</span>
        </To>
      </span>
      <LineTime at={at} times={times} />
      <span className="log-text">{fold === undefined ? <LineText line={line} /> : <SectionTitle fold={fold} />}</span>
    </div>
  );
}

function LineText({ line: { bytes, text } }: { line: LogLine }) {
  const [whole, setWhole] = useState(false);
  const cut = text.length > MAX_SHOWN && !whole;
  return (
    <>
      <AnsiText>{cut ? keepStart(text, MAX_SHOWN) : text}</AnsiText>
      {cut && (
        <Button look="plain" onPress={() => setWhole(true)}>
          Show rest ({formatBytes(bytes - MAX_SHOWN)})
        </Button>
      )}
      {whole && text.length >= MAX_LINE && <i className="muted"> The rest is in the download.</i>}
    </>
  );
}

function SectionTitle({ fold: { title, folded, lines, toggle } }: { fold: Fold }) {
  return (
    <button type="button" aria-expanded={!folded} onClick={toggle}>
      <Icon name={folded ? "next" : "unfold"} />
      {toSafeText(title)}
      {folded && <span className="muted">{lines === 1 ? "1 line" : `${lines} lines`}</span>}
    </button>
  );
}
