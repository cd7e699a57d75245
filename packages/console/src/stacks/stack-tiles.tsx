import type { StackSummary } from "@stackyard/sdk";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { findAddress, findFailure, findMonthlyCost, findVersion } from "../api/stack-facts.ts";
import { toStackStatus } from "../api/status.ts";
import { useKeptPlace, useScrollPlace } from "../design/kept-places.ts";
import { Mark, toneOf } from "../design/mark.tsx";
import { Sentence } from "../design/sentence.tsx";
import { StackLink } from "../design/stack-link.tsx";
import { StateName } from "../design/state-name.tsx";
import { Ago, Text } from "../design/text.tsx";
import { usePrinting } from "../design/use-printing.ts";
import type { Selection } from "./selection-bar.tsx";
import { AddressLink, Failure, SelectOne, VersionText } from "./stack-columns.tsx";
import { type StackListProps, useStackRows } from "./stack-table.tsx";
import "./stack-tiles.css";

/** A tile with the gap below it; its content is cut, never higher. */
const TILE_PX = 164;
const LEAST_WIDTH_PX = 250;

/** Renders a tile for each stack of the filter. Only the tiles in view are laid out and loaded; on paper, all are laid out. */
export function StackTiles({ list, selection, onSelect }: StackListProps) {
  const { rows } = useStackRows(list);
  const scroller = useRef<HTMLDivElement>(null);
  const perLine = useTilesPerLine(scroller);
  const place = useKeptPlace("scroll tiles", 0);
  useScrollPlace(scroller, place);
  const virtualizer = useVirtualizer({
    count: Math.ceil(rows.length / perLine),
    getScrollElement: () => scroller.current,
    estimateSize: () => TILE_PX,
    initialRect: { width: 0, height: window.innerHeight },
    initialOffset: place.read(),
    overscan: 3,
  });
  const isPrinting = usePrinting();
  const lines = virtualizer.getVirtualItems();
  const first = isPrinting ? 0 : (lines.at(0)?.index ?? 0) * perLine;
  const end = isPrinting ? rows.length : ((lines.at(-1)?.index ?? 0) + 1) * perLine;
  const last = Math.min(rows.length, end) - 1;
  const { onRange } = list;
  // Paper shows what is there: it loads no rows.
  useEffect(() => {
    if (!isPrinting) onRange(first, Math.max(first, last));
  }, [isPrinting, first, last, onRange]);
  const shown = rows.slice(first, last + 1);
  return (
    // A scrolled area without a focusable child must take the focus itself (WCAG 2.1.1).
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the area is scrolled with the keyboard
    <section className="tiles-scroll" ref={scroller} tabIndex={0} aria-label="Stacks as tiles">
      <ul
        className="tiles"
        style={{
          gridTemplateColumns: `repeat(${perLine}, minmax(0, 1fr))`,
          paddingTop: isPrinting ? 0 : (lines.at(0)?.start ?? 0),
          paddingBottom: isPrinting ? 0 : virtualizer.getTotalSize() - (lines.at(-1)?.end ?? 0),
        }}
      >
        {shown.map(({ key, stack }) =>
          stack === undefined ? (
            <li key={key} className="tile muted" data-row={key}>
              …
            </li>
          ) : (
            <Tile key={key} stack={stack} selection={selection} onSelect={onSelect} />
          ),
        )}
      </ul>
    </section>
  );
}

/** Returns how many tiles stand side by side; changes with the width of the area. */
function useTilesPerLine(area: { readonly current: HTMLElement | null }): number {
  const [count, setCount] = useState(() => toCount(window.innerWidth));
  useLayoutEffect(() => {
    const element = area.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setCount(toCount(element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, [area]);
  return count;
}

function toCount(widthPx: number): number {
  return Math.max(1, Math.floor(widthPx / LEAST_WIDTH_PX));
}

interface TileProps {
  readonly stack: StackSummary;
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
}

const CALM: ReadonlySet<string> = new Set(["healthy", "asleep"]);

/** Renders one environment: condition, what it does, state, version, link, machine, age and cost. */
function Tile({ stack, selection, onSelect }: TileProps) {
  const { id, machine, createdAt, metadata } = stack;
  const status = toStackStatus(stack);
  const cost = findMonthlyCost(metadata);
  const isCalm = CALM.has(status) && !hasOpenFailure(stack);
  return (
    <li className={CALM.has(status) ? "tile" : `tile trouble tone-${toneOf(status)}`} data-row={id}>
      <div className="tile-head">
        <SelectOne id={id} selection={selection} onSelect={onSelect} />
        <StackLink id={id} className="name" />
        <Mark status={status} />
      </div>
      {isCalm ? (
        <div className="tile-now tile-calm">
          {findVersion(metadata) === undefined ? (
            <span className="muted">no version</span>
          ) : (
            <VersionText metadata={metadata} />
          )}
        </div>
      ) : (
        <p className="tile-now">
          <Now stack={stack} />
        </p>
      )}
      <div className="tile-facts">
        <StateName state={stack.state} />
        {isCalm ? (
          <span className="muted">
            for <Ago at={stack.enteredAt} plain />
          </span>
        ) : (
          <VersionText metadata={metadata} />
        )}
        <span className="tile-link">
          {findAddress(metadata) === undefined ? <span className="muted">no link</span> : <AddressLink stack={stack} />}
        </span>
      </div>
      <div className="tile-foot">
        <Text>{machine}</Text>
        <span>
          <Ago at={createdAt} plain /> old
        </span>
        <span>{cost !== undefined && `${cost.toFixed(2)} USD/month`}</span>
      </div>
    </li>
  );
}

/** Renders the error of a stack in trouble; of another one, what it does or waits for. */
function Now({ stack }: { stack: StackSummary }) {
  if (hasOpenFailure(stack)) return <Failure stack={stack} />;
  return <Sentence text={stack.waiting?.summary ?? ""} />;
}

function hasOpenFailure(stack: StackSummary): boolean {
  return findFailure(stack)?.isOver === false;
}
