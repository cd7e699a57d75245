import type { ArtifactCoverage } from "@stackyard/sdk";
import { useState } from "react";
import { useAccountName, usePlaceName } from "../api/use-account-name.ts";
import { Button } from "../design/button.tsx";
import { Mark, type Status } from "../design/mark.tsx";
import { Ago, Text } from "../design/text.tsx";
import { useMedia } from "../design/use-media.ts";
import { CellDialog } from "./cell-dialog.tsx";
import { type Cell, findWorst, isGap, listPlaces, lookOf, type Row } from "./coverage.ts";
import "./artifacts.css";

/**
 * Renders versions by account and region. The heads and the first column stay while the table scrolls. A cell has a shape and
 * a word; gaps are filled with their color, so that they are seen among many.
 */
export function CoverageTable({ rows }: { rows: readonly ArtifactCoverage[] }) {
  const [open, setOpen] = useState<Opened>();
  const toPlace = usePlaceName();
  const isPhone = useMedia("(max-width: 719px)");
  const Rows = isPhone ? CoverageList : CoverageGrid;
  return (
    <>
      <Rows rows={rows} onOpen={setOpen} />
      {open !== undefined && (
        <CellDialog {...open} where={toPlace(open.cell.account, open.cell.region)} onClose={() => setOpen(undefined)} />
      )}
    </>
  );
}

interface Opened {
  readonly row: Row;
  readonly cell: Cell;
}

interface RowsProps {
  readonly rows: readonly Row[];
  readonly onOpen: (opened: Opened) => void;
}

/** Renders a version a row, on a phone: where something is amiss, and in how many places it is. */
function CoverageList({ rows, onOpen }: RowsProps) {
  const toPlace = usePlaceName();
  return (
    <ul className="coverage-list" aria-label="Coverage">
      {rows.map((row) => {
        const gaps = row.cells.filter(isGap);
        const present = row.cells.length - gaps.length;
        return (
          <li key={`${row.name} ${row.version} ${row.manifestSha256}`} data-row={`${row.name} ${row.version}`}>
            <div className="row spread">
              <strong>
                <Text>{`${row.name} ${row.version}`}</Text>
              </strong>
              {row.publishedAt !== null && <RowMark row={row} />}
            </div>
            <p className="muted small">
              {row.publishedAt === null ? "Not published" : <Ago at={row.publishedAt} />}, present in {present} of{" "}
              {row.cells.length} places
            </p>
            {row.refusal && <Refusal refusal={row.refusal} />}
            {gaps.map((cell) => {
              const where = toPlace(cell.account, cell.region);
              return (
                <p key={where} className="row spread small">
                  <Text>{where}</Text>
                  <CellButton row={row} cell={cell} where={where} onOpen={() => onOpen({ row, cell })} />
                </p>
              );
            })}
          </li>
        );
      })}
    </ul>
  );
}

function CoverageGrid({ rows, onOpen }: RowsProps) {
  const nameOf = useAccountName();
  const toPlace = usePlaceName();
  const places = listPlaces(rows);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the area is scrolled with the keyboard
    <section className="table-scroll coverage" tabIndex={0} aria-label="Coverage">
      <table className="table">
        <thead>
          <tr>
            <th scope="col" rowSpan={2}>
              Artifact
            </th>
            <th scope="col" rowSpan={2}>
              Published
            </th>
            <th scope="col" rowSpan={2}>
              State
            </th>
            {places.map(({ account, regions }) => (
              <th key={account} scope="colgroup" colSpan={regions.length} className="coverage-account">
                <AccountName account={account} name={nameOf(account)} />
              </th>
            ))}
          </tr>
          <tr>
            {places.flatMap(({ account, regions }) =>
              regions.map((region) => (
                <th key={`${account} ${region}`} scope="col">
                  {region}
                </th>
              )),
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.name} ${row.version} ${row.manifestSha256}`} data-row={`${row.name} ${row.version}`}>
              <th scope="row">
                <Text>{`${row.name} ${row.version}`}</Text>
              </th>
              <td>{row.publishedAt === null ? "Not published" : <Ago at={row.publishedAt} />}</td>
              <td>
                {row.publishedAt !== null && <RowMark row={row} />}
                {row.refusal && <Refusal refusal={row.refusal} />}
              </td>
              {places.flatMap(({ account, regions }) =>
                regions.map((region) => {
                  const cell = row.cells.find((each) => each.account === account && each.region === region);
                  return (
                    <td key={`${account} ${region}`}>
                      {cell && (
                        <CellButton
                          row={row}
                          cell={cell}
                          where={toPlace(cell.account, cell.region)}
                          onOpen={() => onOpen({ row, cell })}
                        />
                      )}
                    </td>
                  );
                }),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function RowMark({ row }: { row: Row }) {
  const { retired, covered, silent } = row;
  if (retired) return <Mark status="removed" word="Retired" />;
  if (covered) return <Mark status="succeeded" word="Everywhere" />;
  const worst = findWorst(row);
  if (worst !== undefined) return <Mark status={worst.status} word={`${worst.count} ${worst.word}`} />;
  return <Mark status="running" word={silent === undefined ? "On its way" : `On its way, ${silent} cannot report`} />;
}

/** Renders why the object that was written last is not published. */
function Refusal({ refusal: { code, reason, retryUntil } }: { refusal: NonNullable<Row["refusal"]> }) {
  return (
    <div className="coverage-refusal">
      <Mark status="rejected" word={`Refused: ${code}`} /> <Text>{reason}</Text>{" "}
      <span className="muted">
        {retryUntil === null ? (
          "Given up."
        ) : (
          <>
            Looks again, the last time <Ago at={retryUntil} />.
          </>
        )}
      </span>
    </div>
  );
}

/** Renders the name first, because a person knows it, and the id, which is unique. */
function AccountName({ account, name }: { account: string; name: string | undefined }) {
  if (name === undefined) return account;
  return (
    <>
      <Text>{name}</Text> <span className="muted coverage-id">{account}</span>
    </>
  );
}

interface CellButtonProps {
  readonly row: Row;
  readonly cell: Cell;
  readonly where: string;
  readonly onOpen: () => void;
}

function CellButton({ row, cell, where, onOpen }: CellButtonProps) {
  const { status, word } = lookOf(cell.status);
  return (
    <span className={isTrouble(status) && isGap(cell) ? "coverage-cell gap" : "coverage-cell"}>
      <Button look="plain" label={`${row.name} ${row.version} in ${where}: ${word}`} onPress={onOpen}>
        {/* What is as it should be needs no word: what is not is found among it. */}
        <Mark status={status} word={word} bare={status === "succeeded"} />
      </Button>
    </span>
  );
}

function isTrouble(status: Status): boolean {
  return status === "failed" || status === "rejected" || status === "overdue";
}
