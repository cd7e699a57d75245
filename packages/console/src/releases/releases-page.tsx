import type { Release, ReleasePlace } from "@stackyard/sdk/releases";
import { keys } from "../api/keys.ts";
import { type PagedList, usePages } from "../api/use-pages.ts";
import { AwsPlace } from "../design/aws-place.tsx";
import { Mark } from "../design/mark.tsx";
import { Empty, ErrorNotice, Page, Panel } from "../design/page.tsx";
import { type Column, ListTable } from "../design/table.tsx";
import { Ago, Text } from "../design/text.tsx";
import { Boards, useBoards } from "./boards.tsx";
import { FreezesLink } from "./freezes-link.tsx";
import { RELEASE_COLUMNS, useReleases } from "./release-list.tsx";
import { releases } from "./release-status.ts";

/** Renders the boards of machines that deploy, and what runs on Auto Scaling groups with the latest releases there. */
export function ReleasesPage() {
  const { data: boards = [], error: boardsError, refetch } = useBoards();
  const list = useReleases();
  const places = usePages(keys.list("release-places"), (part) => releases.places(part));
  const hasNone = [list, places].every(({ items, error }) => items?.length === 0 && error === null);
  return (
    <Page title="Releases" actions={boards.length > 0 && <FreezesLink />}>
      {boards.length === 0 && boardsError !== null && (
        <ErrorNotice error={boardsError} onRetry={() => void refetch()} />
      )}
      <Boards boards={boards} />
      {!(hasNone && boards.length > 0) && <AutoScaling list={list} places={places} />}
    </Page>
  );
}

interface AutoScalingProps {
  readonly list: PagedList<Release>;
  readonly places: PagedList<ReleasePlace>;
}

/** Renders what runs on Auto Scaling groups, and their latest releases. */
function AutoScaling({ list, places }: AutoScalingProps) {
  const empty = (
    <Empty command="stackyard asg deploy release.json">No release of Auto Scaling groups has run on this yard.</Empty>
  );
  return (
    <>
      <Panel title="Auto Scaling groups: running">
        <ListTable
          list={places}
          empty={empty}
          label="Running releases by project and configuration"
          height={400}
          keyOf={({ account, region, project, config }) => [account, region, project, config].join("/")}
          columns={[
            { header: "Project", cell: ({ project }) => <Text>{project}</Text> },
            { header: "Configuration", cell: ({ config }) => <Text>{config}</Text> },
            { header: "Where", cell: ({ account, region }) => <AwsPlace account={account} region={region} /> },
            {
              header: "Running",
              cell: ({ running }) =>
                running === undefined ? <span className="muted">unknown</span> : <Text>{running.releaseId}</Text>,
            },
            { header: "Since", cell: ({ running }) => (running ? <Ago at={running.since} /> : "–") },
            {
              header: "Lock",
              cell: ({ lock }) =>
                lock === undefined ? "" : <Mark status="parked" word={`${lock.user}: ${lock.reason}`} />,
            },
          ]}
        />
      </Panel>
      <Panel title="Auto Scaling groups: latest">
        <ListTable
          list={list}
          empty={empty}
          label="Releases and what was done about them"
          height="60vh"
          keyOf={({ jobId }) => jobId}
          columns={COLUMNS}
        />
      </Panel>
    </>
  );
}

const COLUMNS: readonly Column<Release>[] = [
  ...RELEASE_COLUMNS,
  { header: "Project, configuration", cell: ({ project, config }) => <Text>{`${project}, ${config}`}</Text> },
  { header: "Where", cell: ({ account, region }) => <AwsPlace account={account} region={region} /> },
  { header: "Started", cell: ({ startedAt }) => <Ago at={startedAt} /> },
  { header: "Message", prose: true, cell: ({ error, message }) => <Text>{error?.message ?? message ?? ""}</Text> },
];
