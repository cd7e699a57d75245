import type { Release } from "@stackyard/sdk/releases";
import { keys } from "../api/keys.ts";
import { usePages } from "../api/use-pages.ts";
import { Mark } from "../design/mark.tsx";
import { Empty, Page, Panel } from "../design/page.tsx";
import { type Column, ListTable } from "../design/table.tsx";
import { Ago, Text } from "../design/text.tsx";
import { RELEASE_COLUMNS, useReleases } from "./release-list.tsx";
import { releases } from "./release-status.ts";

/** Renders the running version of each project and configuration, and the latest releases. */
export function ReleasesPage() {
  const list = useReleases();
  const places = usePages(keys.list("release-places"), (part) => releases.places(part));
  const empty = <Empty command="stackyard asg deploy release.json">No release has run on this yard.</Empty>;
  return (
    <Page title="Releases">
      <Panel title="Running">
        <ListTable
          list={places}
          empty={empty}
          label="Running releases by project and configuration"
          height={400}
          keyOf={({ account, region, project, config }) => [account, region, project, config].join("/")}
          columns={[
            { header: "Project", cell: ({ project }) => <Text>{project}</Text> },
            { header: "Configuration", cell: ({ config }) => <Text>{config}</Text> },
            { header: "Where", cell: ({ account, region }) => <Text>{`${account} ${region}`}</Text> },
            {
              header: "Running",
              cell: ({ running }) =>
                running === undefined ? <span className="muted">unknown</span> : <Text>{running.releaseId}</Text>,
            },
            { header: "Since", cell: ({ running }) => (running ? <Ago at={running.since} /> : "–") },
            {
              header: "Lock",
              cell: ({ lock }) =>
                lock === undefined ? "" : <Mark status="parked" word={`${lock.by}: ${lock.reason}`} />,
            },
          ]}
        />
      </Panel>
      <Panel title="Latest">
        <ListTable
          list={list}
          empty={empty}
          label="Releases and what was done about them"
          height="60vh"
          keyOf={({ runId }) => runId}
          columns={COLUMNS}
        />
      </Panel>
    </Page>
  );
}

const COLUMNS: readonly Column<Release>[] = [
  ...RELEASE_COLUMNS,
  { header: "Project, configuration", cell: ({ project, config }) => <Text>{`${project}, ${config}`}</Text> },
  { header: "Where", cell: ({ account, region }) => <Text>{`${account} ${region}`}</Text> },
  { header: "Started", cell: ({ startedAt }) => <Ago at={startedAt} /> },
  { header: "Message", cell: ({ error, message }) => <Text>{error?.message ?? message ?? ""}</Text> },
];
