import type { ArtifactCoverage } from "@stackyard/sdk";
import { useState } from "react";
import { useRefusal } from "../api/access.ts";
import { queryClient, toFailure, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { usePages } from "../api/use-pages.ts";
import { Button } from "../design/button.tsx";
import { ActionDialog, Dialog } from "../design/dialog.tsx";
import { FilterForm } from "../design/filter-form.tsx";
import { clean, useChangeSearch, useSearch } from "../design/links.tsx";
import { Mark, type Status } from "../design/mark.tsx";
import { Empty, NoMatch, Page, Panel } from "../design/page.tsx";
import { Pairs } from "../design/pairs.tsx";
import { Listed } from "../design/table.tsx";
import { Ago, Text } from "../design/text.tsx";
import { useToast } from "../design/toasts.tsx";

type Row = ArtifactCoverage;
type Cell = Row["cells"][number];

// The letters of `stackyard artifacts coverage`.
const CELLS: Readonly<Record<string, readonly [string, Status, string]>> = {
  expected: ["·", "waiting", "Expected"],
  announced: ["a", "running", "Announced"],
  stored: ["s", "succeeded", "Stored"],
  present: ["p", "succeeded", "Present"],
  failed: ["F", "failed", "Failed"],
  rejected: ["R", "rejected", "Rejected"],
  overdue: ["!", "overdue", "Overdue"],
};

const FILTERS = [
  ["name", "Artifact"],
  ["version", "Version"],
] as const;

/** Renders which version of which artifact has arrived in which account and region, and why not. */
export function ArtifactsPage() {
  const search = useSearch();
  const change = useChangeSearch();
  const filter = clean({ name: search["name"], version: search["version"] });
  const rows = usePages(keys.other("coverage", filter), (part) => yard.artifacts.coverage({ ...filter, ...part }));
  if (rows.items === undefined && toFailure(rows.error).code === "NOT_CONFIGURED") {
    return (
      <Page title="Artifacts">
        <Empty command="stackyard artifacts --help">
          This yard has no distributor. Set distributor in stackyard.config.ts to the name or ARN of its function.
        </Empty>
      </Page>
    );
  }
  const filters = Object.entries(filter).map(([name, value]) => `${name} ${value}`);
  return (
    <Page title="Artifacts" actions={<Button onPress={rows.refetch}>Reload</Button>}>
      <Panel title="Coverage">
        <FilterForm fields={FILTERS} values={filter} />
        <Listed
          list={rows}
          empty={
            filters.length > 0 ? (
              <NoMatch filters={filters.join(", ")} onClear={() => change({ name: undefined, version: undefined })} />
            ) : (
              <Empty command="stackyard artifacts publish">No artifact has been published.</Empty>
            )
          }
        >
          {(items) => <Coverage rows={items} />}
        </Listed>
        <p className="panel-body row">
          {Object.values(CELLS).map(([letter, status, word]) => (
            <Mark key={word} status={status} word={`${letter} ${word}`} />
          ))}
        </p>
      </Panel>
    </Page>
  );
}

function placeOf({ account, region }: Pick<Cell, "account" | "region">): string {
  return `${account} ${region}`;
}

function Coverage({ rows }: { rows: readonly Row[] }) {
  const [open, setOpen] = useState<{ readonly row: Row; readonly cell: Cell }>();
  const places = [...new Set(rows.flatMap(({ cells }) => cells.map(placeOf)))].sort();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the area is scrolled with the keyboard
    <section className="table-scroll" style={{ maxHeight: "70vh" }} tabIndex={0} aria-label="Coverage">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Artifact</th>
            <th scope="col">Published</th>
            <th scope="col">State</th>
            {places.map((place) => (
              <th key={place} scope="col">
                {place}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.name} ${row.version} ${row.manifestSha256}`} data-row={`${row.name} ${row.version}`}>
              <th scope="row">
                <Text>{`${row.name} ${row.version}`}</Text>
              </th>
              <td>
                <Ago at={row.publishedAt} />
              </td>
              <td>
                <RowMark row={row} />
              </td>
              {places.map((place) => {
                const cell = row.cells.find((each) => placeOf(each) === place);
                return (
                  <td key={place}>
                    {cell && <CellButton row={row} cell={cell} onOpen={() => setOpen({ row, cell })} />}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {open !== undefined && <CellDialog {...open} onClose={() => setOpen(undefined)} />}
    </section>
  );
}

function RowMark({ row: { retired, covered, silent } }: { row: Row }) {
  if (retired) return <Mark status="removed" word="Retired" />;
  if (covered) return <Mark status="succeeded" word="Everywhere" />;
  return (
    <Mark status="running" word={silent === undefined ? "Not everywhere" : `Not everywhere, ${silent} cannot report`} />
  );
}

function CellButton({ row, cell, onOpen }: { row: Row; cell: Cell; onOpen: () => void }) {
  const [letter, status, word] = CELLS[cell.status] ?? ["?", "waiting", cell.status];
  return (
    <Button look="plain" label={`${row.name} ${row.version} in ${placeOf(cell)}: ${word}`} onPress={onOpen}>
      <Mark status={status} word={letter} />
    </Button>
  );
}

function CellDialog({ row, cell, onClose }: { row: Row; cell: Cell; onClose: () => void }) {
  const [action, setAction] = useState<"refresh" | "replay">();
  const refusal = useRefusal("operate");
  const toast = useToast();
  const [, status, word] = CELLS[cell.status] ?? ["?", "waiting" as const, cell.status];
  const { name, version } = row;
  const { account, region } = cell;
  if (action !== undefined) {
    return (
      <ActionDialog
        title={
          action === "refresh"
            ? `Announce ${name} ${version} to ${placeOf(cell)}`
            : `Announce everything to ${placeOf(cell)}`
        }
        verb="Announce"
        onClose={onClose}
        act={async () => {
          await (action === "refresh"
            ? yard.artifacts.refresh({ name, version, account, region })
            : yard.artifacts.replay({ account, region }));
          toast("Announced again.");
          await queryClient.invalidateQueries({ queryKey: ["other", "coverage"] });
        }}
      >
        <p>
          {action === "refresh"
            ? "The consumer gets fresh URLs of this version."
            : "The consumer gets every version that it should have. It skips what it has."}
        </p>
      </ActionDialog>
    );
  }
  return (
    <Dialog title={`${name} ${version} in ${placeOf(cell)}`} onClose={onClose}>
      <section>
        <Pairs
          of={{
            State: (
              <>
                <Mark status={status} word={word} /> <Ago at={cell.at} />
              </>
            ),
            Code: cell.code !== null && <Text mono>{cell.code}</Text>,
            Files: `${cell.filesDone} of ${cell.files}${cell.verified ? ", all digests compared" : ""}`,
            Announcements: cell.announcements,
          }}
        />
        <p>{adviceFor(cell)}</p>
        <div className="row">
          <Button refusal={refusal} onPress={() => setAction("refresh")}>
            Announce this version again…
          </Button>
          <Button refusal={refusal} onPress={() => setAction("replay")}>
            Announce everything to this consumer…
          </Button>
          <Button onPress={onClose}>Close</Button>
        </div>
      </section>
    </Dialog>
  );
}

function adviceFor({ status }: Cell): string {
  switch (status) {
    case "expected":
      return "Not announced yet. The distributor announces it with its next event.";
    case "announced":
      return "The consumer has not sent a receipt yet.";
    case "overdue":
      return "No receipt came in time. Check the consumer's queue and function in that account, then announce again.";
    case "failed":
      return "The consumer failed to store a file. Remove the cause that the code names, then announce again.";
    case "rejected":
      return "The consumer refused a file, such as one with a wrong digest. Publish the version again.";
    default:
      return "Nothing to do.";
  }
}
