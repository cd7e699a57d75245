import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useFollowedLog, useStreamMessages } from "../api/use-live.tsx";
import { Button } from "../design/button.tsx";
import { To, useChangeSearch, useSearch } from "../design/links.tsx";
import { Empty, ErrorNotice, Skeleton } from "../design/page.tsx";
import { toPlainText } from "../text/ansi.ts";
import { AnsiText } from "./ansi-text.tsx";
import { findLine, type LogBuffer, type LogLine, MAX_LINE } from "./log-buffer.ts";
import { isCause } from "./log-causes.ts";
import { isTailOnly, type LogReader, type LogState, type SearchDirection } from "./log-reader.ts";
import { useSelectedLine } from "./use-log-reader.ts";
import "./log.css";

interface LogViewProps {
  readonly attemptId: string;
  readonly reader: LogReader;
  /** The attempt has not ended: its log grows. */
  readonly live: boolean;
}

const LINE_PX = 24;
/** Lines before the edge at which more is loaded. */
const NEAR = 200;

/** Renders the log of an attempt, by pieces; the address contains the selected line and the search text. */
export function LogView({ attemptId, reader, live }: LogViewProps) {
  const selected = useSelectedLine();
  const state = useSyncExternalStore(reader.subscribe, reader.getState);
  const [follow, setFollow] = useState(live && selected === undefined);
  const [wrap, setWrap] = useState(true);
  useGrowingLog(attemptId, reader, live);
  const showEnd = async () => {
    setFollow(true);
    const { buffer, size } = reader.getState();
    if (buffer.to < size) await reader.open();
  };
  return (
    <div className="stack-v">
      <Toolbar
        reader={reader}
        state={state}
        attemptId={attemptId}
        selected={selected}
        follow={follow}
        wrap={wrap}
        onFollow={() => (follow ? setFollow(false) : void showEnd())}
        onWrap={() => setWrap(!wrap)}
        onFound={() => setFollow(false)}
      />
      {state.error !== undefined && <ErrorNotice error={state.error} onRetry={() => void reader.open(selected)} />}
      {state.status !== "ready" && state.buffer.lines.length === 0 && <Skeleton height={400} />}
      {state.status === "ready" && state.error === undefined && state.size === 0 && (
        <Empty>{live ? "The task has not written anything yet." : "The task has not written anything."}</Empty>
      )}
      {state.buffer.lines.length > 0 && (
        <Lines
          key={wrap ? "wrap" : "plain"}
          reader={reader}
          buffer={state.buffer}
          size={state.size}
          selected={selected}
          follow={follow}
          wrap={wrap}
          onLeaveEnd={() => setFollow(false)}
        />
      )}
    </div>
  );
}

/** How long a running log may be silent before the page asks whether it has grown. */
const SILENCE_MS = 3_000;

/** Shows what a running attempt writes: by the stream, or, when nothing comes, by asking. */
function useGrowingLog(attemptId: string, reader: LogReader, live: boolean): void {
  const partAt = useRef(0);
  useFollowedLog(live ? attemptId : undefined);
  useStreamMessages((messages) => {
    for (const message of messages) {
      if (message.kind !== "log" || message.part.attemptId !== attemptId) continue;
      partAt.current = Date.now();
      reader.takePart(message.part);
    }
  });
  useEffect(() => {
    if (!live) return;
    const timer = setInterval(() => {
      const isSilent = Date.now() - partAt.current >= SILENCE_MS;
      if (isSilent && document.visibilityState === "visible") void reader.refresh();
    }, SILENCE_MS);
    return () => clearInterval(timer);
  }, [live, reader]);
}

interface ToolbarProps {
  readonly reader: LogReader;
  readonly state: LogState;
  readonly attemptId: string;
  readonly selected: number | undefined;
  readonly follow: boolean;
  readonly wrap: boolean;
  readonly onFollow: () => void;
  readonly onWrap: () => void;
  readonly onFound: () => void;
}

function Toolbar(props: ToolbarProps) {
  const { reader, state, attemptId, selected, follow, wrap, onFollow, onWrap, onFound } = props;
  const { q: sought = "" } = useSearch();
  const change = useChangeSearch();
  const [missing, setMissing] = useState<string>();
  const find = async (what: string, fits: (line: string) => boolean, direction: SearchDirection) => {
    setMissing(undefined);
    const found =
      (await reader.find(fits, selected, direction)) ??
      (selected === undefined ? undefined : await reader.find(fits, undefined, direction));
    if (found === undefined) return setMissing(`No ${what} in this log.`);
    onFound();
    change({ line: String(found) });
  };
  const text = sought.toLowerCase();
  const findText = (direction: SearchDirection) =>
    text === "" ? undefined : find("match", (line) => toPlainText(line).toLowerCase().includes(text), direction);
  const noText = text === "" ? "Enter a text first" : undefined;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") void findText(event.shiftKey ? "previous" : "next");
  };
  return (
    <div className="row" role="toolbar" aria-label="Log">
      <input
        className="input"
        type="search"
        aria-label="Find in the log"
        placeholder="Find"
        data-shortcut="/"
        value={sought}
        onKeyDown={onKeyDown}
        onChange={({ target }) => change({ q: target.value })}
      />
      <Button label="Previous match" refusal={noText} onPress={() => void findText("previous")}>
        ‹
      </Button>
      <Button label="Next match" refusal={noText} onPress={() => void findText("next")}>
        ›
      </Button>
      <Button onPress={() => void find("error", isCause, "previous")}>Previous error</Button>
      <Button onPress={() => void find("error", isCause, "next")}>Next error</Button>
      <Button pressed={follow} onPress={onFollow}>
        Follow
      </Button>
      <Button pressed={wrap} onPress={onWrap}>
        Wrap
      </Button>
      <a
        className="button"
        href={`/v1/attempts/${encodeURIComponent(attemptId)}/full-log`}
        download={toFileName(attemptId)}
      >
        Download
      </a>
      <span className="muted" aria-live="polite">
        {formatBytes(state.size)}
        {state.searching && ", searching"}
        {missing !== undefined && ` · ${missing}`}
      </span>
      {isTailOnly(state) && (
        <span className="tone-warn" title="The runner keeps only the end of this log.">
          Tail only
        </span>
      )}
    </div>
  );
}

interface LinesProps {
  readonly reader: LogReader;
  readonly buffer: LogBuffer;
  readonly size: number;
  readonly selected: number | undefined;
  readonly follow: boolean;
  readonly wrap: boolean;
  readonly onLeaveEnd: () => void;
}

function Lines({ reader, buffer, size, selected, follow, wrap, onLeaveEnd }: LinesProps) {
  const { lines, firstNumber } = buffer;
  const scroller = useRef<HTMLElement>(null);
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    // The lines around the first place are the first that are rendered; those of the beginning would load what is before them.
    initialOffset: () => toFirstIndex(buffer, selected) * LINE_PX,
    initialRect: { width: 0, height: window.innerHeight },
    getItemKey: (index) => lines[index]?.at ?? index,
    overscan: 20,
  });
  const items = virtualizer.getVirtualItems();
  const [first, last] = [items[0]?.index ?? 0, items.at(-1)?.index ?? 0];
  useKeptPlace(virtualizer, buffer, first, follow);
  useEffect(() => {
    if (follow) virtualizer.scrollToIndex(lines.length - 1, { align: "end" });
  }, [follow, lines.length, virtualizer]);
  useShownLine(virtualizer, reader, buffer, selected, follow);
  const loaded = useRef(false);
  useEffect(() => {
    // The first place is scrolled to before anything more is loaded.
    if (!loaded.current) {
      loaded.current = true;
      return;
    }
    if (first < NEAR && buffer.from > 0) void reader.loadEarlier();
    else if (last > lines.length - NEAR && buffer.to < size) void reader.loadLater();
  }, [first, last, lines.length, buffer.from, buffer.to, size, reader]);
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
          {items.map(({ index, key }) => {
            const line = lines[index];
            return line === undefined ? null : (
              <div key={key} data-index={index} ref={virtualizer.measureElement}>
                <Line
                  line={line}
                  number={firstNumber === undefined ? undefined : firstNumber + index}
                  selected={selected === line.at}
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
function useKeptPlace(virtualizer: Virtualizer, buffer: LogBuffer, first: number, follow: boolean): void {
  const before = useRef<{ readonly from: number; readonly at: number | undefined }>(undefined);
  useEffect(() => {
    const kept = before.current;
    if (kept !== undefined && kept.from !== buffer.from && kept.at !== undefined && !follow) {
      const index = findLine(buffer, kept.at);
      if (index !== -1) virtualizer.scrollToIndex(index, { align: "start" });
    }
    before.current = { from: buffer.from, at: buffer.lines[first]?.at };
  });
}

/** Scrolls to a selected line, and loads it where it is not kept. At first, without one, to the end. */
function useShownLine(
  virtualizer: Virtualizer,
  reader: LogReader,
  buffer: LogBuffer,
  selected: number | undefined,
  follow: boolean,
): void {
  const shown = useRef<number | "end">(undefined);
  useEffect(() => {
    if (shown.current === undefined && selected === undefined) {
      shown.current = "end";
      virtualizer.scrollToIndex(buffer.lines.length - 1, { align: "end" });
    }
    if (selected === undefined || shown.current === selected || follow) return;
    const index = findLine(buffer, selected);
    if (index === -1) {
      if (selected < reader.getState().size) void reader.open(selected);
      return;
    }
    shown.current = selected;
    virtualizer.scrollToIndex(index, { align: "center" });
  }, [virtualizer, reader, buffer, selected, follow]);
}

/** Characters of a line that are shown at first. */
const MAX_SHOWN = 16_384;

interface LineProps {
  readonly line: LogLine;
  readonly number: number | undefined;
  readonly selected: boolean;
}

function Line({ line: { at, bytes, text }, number, selected }: LineProps) {
  const search = useSearch();
  const { q: sought = "" } = search;
  const [whole, setWhole] = useState(false);
  const cut = text.length > MAX_SHOWN && !whole;
  const fits = sought !== "" && toPlainText(text).toLowerCase().includes(sought.toLowerCase());
  const classes = ["log-line", selected && "selected", fits && "fits", isCause(text) && "cause"];
  return (
    <div className={classes.filter(Boolean).join(" ")} {...(selected && { "aria-current": "true" as const })}>
      <span className="log-number">
        <To path="/log" search={{ ...search, line: String(at) }}>
          {number ?? "·"}
          <span className="hidden-visually">{number === undefined ? `Line at byte ${at}` : ""}</span>
        </To>
      </span>
      <span className="log-text">
        <AnsiText>{cut ? text.slice(0, MAX_SHOWN) : text}</AnsiText>
        {cut && (
          <Button look="plain" onPress={() => setWhole(true)}>
            Show rest ({formatBytes(bytes - MAX_SHOWN)})
          </Button>
        )}
        {whole && text.length >= MAX_LINE && <i className="muted"> The rest is in the download.</i>}
      </span>
    </div>
  );
}

/** Returns a size as people read it: `812 B`, `1.2 MiB`. */
function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  return bytes < 1_048_576 ? `${(bytes / 1_024).toFixed(1)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

function toFileName(attemptId: string): string {
  return `${attemptId.replaceAll(/[^A-Za-z0-9._-]+/g, "_").slice(0, 100)}.log`;
}
