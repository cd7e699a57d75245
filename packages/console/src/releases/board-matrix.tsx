import type { Board } from "@stackyard/sdk";
import { type KeyboardEvent, type Ref, useState } from "react";
import { Button } from "../design/button.tsx";
import { Icon } from "../design/icon.tsx";
import { To } from "../design/links.tsx";
import { iconOf, Mark, type Status, toneOf } from "../design/mark.tsx";
import { Scrolled } from "../design/scrolled.tsx";
import { StackLink } from "../design/stack-link.tsx";
import { Ago, Text } from "../design/text.tsx";
import { useMedia } from "../design/use-media.ts";
import { toSafeText } from "../text/safe-text.ts";
import {
  type Arrival,
  type BoardCell,
  type BoardColumn,
  type Environment,
  isUnknown,
  toBoardGrid,
  type Version,
} from "./board-grid.ts";

interface MatrixProps {
  readonly machine: string;
  readonly board: Pick<Board, "environments" | "releases">;
  /** The release whose version always has a column. */
  readonly marked: string | undefined;
  /** The drawing, to be copied as an image. */
  readonly ref: Ref<HTMLTableElement>;
}

/** More columns than anyone compares: the board may have thousands of versions. */
const MOST_COLUMNS = 40;

/**
 * Renders environments by versions, on a phone below each other. Arrow keys move between the cells that have something.
 */
export function BoardMatrix({ machine, board, marked, ref }: MatrixProps) {
  const [isWhole, setIsWhole] = useState(false);
  const isWide = useMedia("(min-width: 1200px)");
  const { columns, rows, folded } = toBoardGrid(board, { most: isWhole ? MOST_COLUMNS : isWide ? 5 : 3, marked });
  const isDense = rows.length > DENSE_FROM;
  return (
    <>
      <Scrolled label={`Environments of ${machine} by version`} className="board-scroll">
        <table
          ref={ref}
          className={isDense ? "board dense" : "board"}
          aria-label={`Environments of ${toSafeText(machine)} by version`}
          onKeyDown={moveFocus}
        >
          <thead>
            <tr>
              <th scope="col">Environment</th>
              {columns.map((column) => (
                <th key={column.key} scope="col" className={column.isMarked ? "marked" : undefined}>
                  <ColumnName column={column} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ environment, cells }) => (
              <tr key={environment.task}>
                <RowName environment={environment} />
                {columns.map((column, index) => (
                  <td key={column.key} className={column.isMarked ? "marked" : undefined}>
                    <Cell isDense={isDense} column={column} cell={cells[index]} environment={environment} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolled>
      {(folded > 0 || isWhole) && (
        <p className="panel-body">
          <Button look="plain" pressed={isWhole} onPress={() => setIsWhole(!isWhole)}>
            A column for each version
          </Button>
        </p>
      )}
    </>
  );
}

/** With more environments than these, a cell has one line, without the times. */
const DENSE_FROM = 8;

function ColumnName({ column: { text, release, isMarked } }: { column: BoardColumn }) {
  return (
    <>
      <b className="board-version">
        <Text>{text}</Text>
      </b>{" "}
      {release !== undefined && (
        <span className="board-sub">
          <StackLink id={release} />
        </span>
      )}
      {isMarked && <span className="board-tag">this release</span>}
    </>
  );
}

function RowName({ environment }: { environment: Environment }) {
  const { task, stack, machine, where, stacks, behind, lag, versions, coming = [], problem } = environment;
  return (
    <th scope="row">
      <Text>{task}</Text>
      <span className="board-sub" title={where && toSafeText(where)}>
        {stack === undefined ? (
          <To path="/stacks" search={{ machine }}>
            {stacks === 1 ? "1 stack" : `${stacks} stacks`} of <Text>{machine ?? ""}</Text>
          </To>
        ) : (
          <StackLink id={stack} />
        )}
      </span>
      {behind && (
        <span className="board-tag">
          {lag === undefined ? "Behind" : <Text>{`${lag.releases} behind ${lag.of}`}</Text>}
        </span>
      )}
      {problem !== undefined && (
        <span className="wrap">
          <Mark status="failed" word={problem} />
        </span>
      )}
      {versions.length === 0 && problem === undefined && <span className="board-sub">Nothing runs here.</span>}
      {coming.map((each) => isUnknown(each.values) && <Coming key={each.release} arrival={each} />)}
    </th>
  );
}

interface CellProps {
  readonly isDense: boolean;
  readonly column: BoardColumn;
  readonly cell: BoardCell | undefined;
  readonly environment: Environment;
}

function Cell({ isDense, column, cell, environment }: CellProps) {
  const { versions = [], coming = [] } = cell ?? {};
  if (versions.length === 0 && coming.length === 0) return null;
  const shown = column.release === undefined ? mergeVersions(versions) : versions;
  return (
    <div className="board-cell">
      <span className="board-phone">
        <ColumnName column={column} />
      </span>
      {shown.map((version) => (
        <VersionBlocks key={version.release?.id ?? ""} {...{ isDense, version, column, environment }} />
      ))}
      {coming.map((arrival) => (
        <Coming key={arrival.release} arrival={arrival} />
      ))}
    </div>
  );
}

/** Returns several versions as one, which has no release and no values of its own. */
function mergeVersions(versions: readonly Version[]): readonly Version[] {
  const [first, ...others] = versions;
  if (first === undefined || others.length === 0) return versions;
  const sum = (name: keyof Version["standings"]) => versions.reduce((all, each) => all + each.standings[name], 0);
  const standings = { rests: sum("rests"), moving: sum("moving"), failed: sum("failed"), "by-hand": sum("by-hand") };
  const since =
    versions
      .map((each) => each.since)
      .toSorted()
      .at(-1) ?? first.since;
  const stacks = versions.reduce((all, each) => all + each.stacks, 0);
  return [{ values: {}, standings, since, stacks, examples: versions.flatMap(({ examples }) => examples) }];
}

interface BlocksProps {
  readonly isDense: boolean;
  readonly version: Version;
  readonly column: BoardColumn;
  readonly environment: Environment;
}

function VersionBlocks({ version, column, environment, isDense }: BlocksProps) {
  const { release, since, standings, values, examples } = version;
  const present = STANDINGS.filter(([name]) => standings[name] > 0);
  const isTroubled = environment.stack === undefined && standings.failed + standings["by-hand"] > 0;
  return (
    <>
      {present.map(([name, status, word]) => (
        <To
          key={name}
          {...toStacks(environment, values)}
          className={`board-block tone-${toneOf(status)}`}
          label={toSafeText(`${toCount(environment, standings[name])}${word}: ${environment.task}, ${column.text}`)}
        >
          <Icon name={iconOf(status)} />
          {toCount(environment, standings[name])}
          {word}
        </To>
      ))}
      <span className="board-sub">
        {!isDense && <Ago at={since} />}
        {release?.id !== column.release && release !== undefined && (
          <span>
            by <StackLink id={release.id} />
          </span>
        )}
        {release === undefined && !isUnknown(values) && <span>by no release</span>}
        {isTroubled && examples[0] !== undefined && (
          <span>
            such as <StackLink id={examples[0]} />
          </span>
        )}
      </span>
    </>
  );
}

function toCount({ stack }: Environment, count: number): string {
  return stack === undefined ? `${count.toLocaleString("en")} ` : "";
}

/** A list of stacks can be limited to a value that is a word. */
function toStacks({ stack, machine }: Environment, values: Version["values"]) {
  if (stack !== undefined) return { path: "/stack", search: { id: stack } };
  const [[key, value] = [], ...others] = Object.entries(values);
  const isWord = typeof value === "string" && others.length === 0 && /^[\w.+-]+$/.test(value);
  return { path: "/stacks", search: { machine, metadata: isWord ? `${key}=${JSON.stringify(value)}` : undefined } };
}

/** Worst first. */
const STANDINGS = [
  ["failed", "failed", "failed"],
  ["by-hand", "overdue", "set by hand"],
  ["moving", "busy", "moving"],
  ["rests", "healthy", "at rest"],
] as const satisfies readonly (readonly [keyof Version["standings"], Status, string])[];

function Coming({ arrival: { release, hold, why } }: { arrival: Arrival }) {
  const [status, word] = COMING[hold];
  return (
    <>
      <To
        path="/release"
        search={{ id: release }}
        className={`board-block coming tone-${toneOf(status)}`}
        label={toSafeText(`${release} ${word}`)}
        title={toSafeText(why)}
      >
        <Icon name={iconOf(status)} />
        {word}
      </To>
      <span className="board-sub">
        <Text>{release}</Text>
      </span>
    </>
  );
}

const COMING = {
  failed: ["failed", "failed on its way"],
  freeze: ["waiting", "held by a freeze"],
  window: ["waiting", "held by a closed window"],
  turn: ["waiting", "waits for the turn"],
  gate: ["waiting", "held by a gate"],
  approval: ["approval", "waits for approval"],
  moving: ["busy", "on its way"],
} as const satisfies Record<Arrival["hold"], readonly [Status, string]>;

const STEPS: Readonly<Record<string, readonly [rows: number, columns: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** Moves the focus to the first link of the next cell in a direction; empty cells are left out. */
function moveFocus(event: KeyboardEvent<HTMLTableElement>): void {
  const [rows, columns] = STEPS[event.key] ?? [0, 0];
  const from = event.target instanceof Element ? event.target.closest<HTMLTableCellElement>("td, th") : null;
  if (from === null || (rows === 0 && columns === 0)) return;
  const table = event.currentTarget;
  let row = (from.closest("tr")?.rowIndex ?? 0) + rows;
  let column = from.cellIndex + columns;
  while (table.rows[row]?.cells[column] !== undefined) {
    // On a wide screen the name of the version is hidden in the cells.
    const links = [...(table.rows[row]?.cells[column]?.querySelectorAll("a") ?? [])];
    const link = links.find(({ offsetParent }) => offsetParent !== null);
    if (link) {
      event.preventDefault();
      link.focus();
      return;
    }
    row += rows;
    column += columns;
  }
}
