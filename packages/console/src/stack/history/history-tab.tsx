import type { HistoryEntry, StackDetails } from "@stackyard/sdk";
import { useEffect } from "react";
import { type PagedList, usePages } from "../../api/use-pages.ts";
import { Button } from "../../design/button.tsx";
import { toHistoryColumns } from "../../design/history-columns.tsx";
import { useChangeSearch, useSearch } from "../../design/links.tsx";
import { Empty, ErrorNotice, Panel, Skeleton } from "../../design/page.tsx";
import { Table } from "../../design/table.tsx";
import { Ago } from "../../design/text.tsx";
import { toSafeText } from "../../text/safe-text.ts";
import type { StackSource } from "../source.ts";
import { AtPosition } from "./at-position.tsx";
import { LanesDrawing } from "./lanes-drawing.tsx";

interface TabProps {
  readonly source: StackSource;
  /** Missing: the stack was removed. */
  readonly stack: StackDetails | undefined;
}

const PAGE = 200;
const VIEWS = ["compact", "timeline", "all"] as const;

/** Renders the history of a stack, and the stack at any position. */
export function HistoryTab({ source, stack }: TabProps) {
  const list = usePages(source.key("history"), (part) => source.loadHistory(part), PAGE);
  const { at } = useSearch();
  const position = at !== undefined && /^\d{1,15}$/.test(at) ? Number(at) : undefined;
  useLoadedPosition(list, position);
  if (list.items === undefined) {
    return list.error === null ? <Skeleton height={360} /> : <ErrorNotice error={list.error} onRetry={list.refetch} />;
  }
  if (list.items.length === 0) return <Empty>This stack has no history.</Empty>;
  return <History source={source} stack={stack} list={list} entries={list.items.toReversed()} position={position} />;
}

/** Loads more history until it contains the position in the address. */
function useLoadedPosition({ items, loadMore }: PagedList<HistoryEntry>, position: number | undefined): void {
  const oldest = items?.at(-1)?.position;
  useEffect(() => {
    if (position !== undefined && oldest !== undefined && oldest > position) loadMore?.();
  }, [position, oldest, loadMore]);
}

interface HistoryProps extends TabProps {
  readonly list: PagedList<HistoryEntry>;
  /** Oldest first. */
  readonly entries: readonly HistoryEntry[];
  readonly position: number | undefined;
}

function History({ source, stack, list, entries, position }: HistoryProps) {
  const search = useSearch();
  const change = useChangeSearch();
  const view = VIEWS.find((name) => name === search["view"]) ?? "compact";
  const found = position === undefined ? -1 : entries.findLastIndex((entry) => entry.position <= position);
  const shown = found === -1 ? entries.length - 1 : found;
  const entry = entries[shown];
  const show = (index: number) => {
    const next = entries[Math.max(0, Math.min(entries.length - 1, index))];
    if (next !== undefined) change({ at: String(next.position) });
  };
  return (
    <>
      <Panel
        title="History"
        actions={VIEWS.map((name) => (
          <Button
            key={name}
            look="plain"
            pressed={view === name}
            onPress={() => change({ view: name === "compact" ? undefined : name })}
          >
            {name === "all" ? "All" : name === "compact" ? "Compact" : "Timeline"}
          </Button>
        ))}
      >
        {view === "all" ? (
          <AllLines list={list} shown={entry} onShow={(one) => change({ at: String(one.position) })} />
        ) : (
          <LanesDrawing entries={entries} scale={view} stack={stack} shown={shown} onShow={show} />
        )}
        <Steps entries={entries} shown={shown} onShow={show} />
        <Beginning list={list} oldest={entries[0]} />
      </Panel>
      {list.error !== null && <ErrorNotice error={list.error} onRetry={list.refetch} />}
      {entry !== undefined && <AtPosition source={source} stack={stack} entry={entry} lines={entries} />}
    </>
  );
}

interface StepsProps {
  readonly entries: readonly HistoryEntry[];
  readonly shown: number;
  readonly onShow: (index: number) => void;
}

/** Goes through the lines of a history: by a slider, and by `,` and `.`. */
function Steps({ entries, shown, onShow }: StepsProps) {
  const entry = entries[shown];
  return (
    <div className="row history-steps">
      <Button
        shortcut=","
        label="Previous position"
        idle={shown === 0 ? "This is the first line" : undefined}
        onPress={() => onShow(shown - 1)}
      >
        ‹
      </Button>
      <input
        type="range"
        aria-label="Position in the history"
        aria-valuetext={entry === undefined ? "" : toSafeText(`${entry.event}, ${entry.at}`)}
        min={0}
        max={entries.length - 1}
        value={shown}
        onChange={({ target }) => onShow(Number(target.value))}
      />
      <Button
        shortcut="."
        label="Next position"
        idle={shown === entries.length - 1 ? "This is the newest line" : undefined}
        onPress={() => onShow(shown + 1)}
      >
        ›
      </Button>
      <span className="muted nowrap">
        {shown + 1} of {entries.length}
      </span>
    </div>
  );
}

/**
 * Renders the start of the history: at the stack's creation, before the loaded lines, or where older lines were pruned.
 */
function Beginning({ list, oldest }: { list: PagedList<HistoryEntry>; oldest: HistoryEntry | undefined }) {
  if (oldest === undefined) return null;
  return (
    <p className="row history-steps muted">
      {list.loadMore !== undefined || list.isLoadingMore ? (
        <Button refusal={list.isLoadingMore ? "Loading" : undefined} onPress={() => list.loadMore?.()}>
          Load earlier lines
        </Button>
      ) : (
        <span>
          {oldest.from === undefined ? "Created" : "Begins"} <Ago at={oldest.at} />
          {oldest.from !== undefined && "; older lines were removed"}
        </span>
      )}
    </p>
  );
}

interface LinesProps {
  readonly list: PagedList<HistoryEntry>;
  readonly shown: HistoryEntry | undefined;
  readonly onShow: (entry: HistoryEntry) => void;
}

/** Renders all lines, newest first. */
function AllLines({ list, shown, onShow }: LinesProps) {
  return (
    <Table
      label="History"
      columns={toHistoryColumns(list.items ?? [], onShow)}
      rows={list.items ?? []}
      keyOf={({ position }) => String(position)}
      selected={shown === undefined ? undefined : String(shown.position)}
      height="50vh"
      onEnd={list.loadMore}
    />
  );
}
