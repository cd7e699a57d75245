import type { Job } from "@stackyard/sdk/jobs";
import type { Release, ServiceReport } from "@stackyard/sdk/releases";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { AwsPlace } from "../design/aws-place.tsx";
import { To, useSearch } from "../design/links.tsx";
import { ListDetail } from "../design/list-detail.tsx";
import { Mark } from "../design/mark.tsx";
import { Empty, Loaded, Page, Panel } from "../design/page.tsx";
import { RunHeading } from "../design/run/run-head.tsx";
import { Steps } from "../design/run/steps.tsx";
import { Table } from "../design/table.tsx";
import { Day, Text, useNow } from "../design/text.tsx";
import { JobHead } from "../runs/job-head.tsx";
import { RunFailure } from "../runs/run-failure.tsx";
import { RunTabs } from "../runs/run-tabs.tsx";
import { AttemptSteps, RunTimeline } from "../runs/run-timeline.tsx";
import { formatDuration } from "../text/durations.ts";
import { formatReleaseState } from "../text/format-release-state.ts";
import { toSafeText } from "../text/safe-text.ts";
import { ReleaseActions } from "./release-actions.tsx";
import { ReleaseList } from "./release-list.tsx";
import { formatRelease, isOver, releases, toReleaseStatus } from "./release-status.ts";
import { filterLines, type ReleaseState, toReleaseStates, toStateRows, toStateSteps } from "./release-steps.ts";
import { toReleaseSentence } from "./release-words.ts";
import "./asg-page.css";

const REFETCH_MS = 2_000;

/** Renders one release of Auto Scaling groups: its progress, the reports of its services, and the possible actions. */
export function AsgPage() {
  const { id = "" } = useSearch();
  return (
    <ListDetail label="Other releases" list={<ReleaseList jobId={id} />}>
      <OneRelease key={id} id={id} />
    </ListDetail>
  );
}

function OneRelease({ id }: { id: string }) {
  const release = useLoad(keys.list("release", { id }), (request) => releases.get(id, request), {
    enabled: id !== "",
    refetchInterval: ({ state: { data } }) => (data !== undefined && isOver(data) ? false : REFETCH_MS),
  });
  const job = useLoad(keys.stack(id, "job"), (request) => yard.jobs.get(id, request), { enabled: id !== "" });
  const title = `Release ${release.data === undefined ? id : formatRelease(release.data)}`;
  const sentence = release.data && toReleaseSentence(release.data);
  return (
    <Page
      title={title}
      heading={
        release.data && (
          <RunHeading {...toReleaseStatus(release.data)}>
            <Text>{title}</Text>
          </RunHeading>
        )
      }
      {...(sentence !== undefined && { sentence: <Text>{sentence}</Text> })}
      actions={release.data && <ReleaseActions release={release.data} />}
    >
      {id === "" ? (
        <Empty command="stackyard asg ls">The address names no release. Open one from the list.</Empty>
      ) : (
        <Loaded query={release} height={400}>
          {(found) => (
            <Loaded query={job} height={400}>
              {(data) => <Shown release={found} job={data} />}
            </Loaded>
          )}
        </Loaded>
      )}
    </Page>
  );
}

interface ShownProps {
  readonly release: Release;
  readonly job: Job;
}

function Shown({ release, job }: ShownProps) {
  const { state: chosen } = useSearch();
  const now = useNow();
  const { jobId } = release;
  const states = toReleaseStates(release);
  return (
    <>
      <Summary release={release} job={job} />
      {states.length === 0 ? (
        <>
          <AttemptSteps job={job} />
          <RunTimeline job={job} />
        </>
      ) : (
        <Panel title="Progress">
          <Steps label="States in order" steps={toStateSteps(jobId, states, { chosen, now })} />
        </Panel>
      )}
      <RunTabs
        job={job}
        path="/asg"
        own={[
          {
            id: "services",
            title: "Services",
            show: () => <Services release={release} />,
          },
          {
            id: "progress",
            title: "Messages",
            show: () => <Progress release={release} state={states.find(({ name }) => name === chosen)} />,
          },
          ...(states.length === 0
            ? []
            : [
                {
                  id: "timeline",
                  title: "Timeline",
                  show: () => <RunTimeline job={job} rows={toStateRows(jobId, states)} />,
                },
              ]),
        ]}
      />
    </>
  );
}

function Summary({ release, job }: ShownProps) {
  const { project, config, account, region, error, report, message, end } = release;
  const later = report?.laterErrors ?? [];
  const { actor } = job.config;
  return (
    <>
      <JobHead
        job={job}
        what={<Text>{`${project}, ${config}`}</Text>}
        where={<AwsPlace account={account} region={region} />}
        by={typeof actor === "string" ? actor : undefined}
        more={{
          "Time left": report?.startedAt !== undefined && !isOver(release) && (
            <TimeLeft endsAt={report.startedAt + report.timeoutSeconds * 1_000} />
          ),
        }}
      />
      <RunFailure job={job}>
        {end === "FailureDirty" && (
          <p>It left groups behind, and its lock. Repair lists what no release owns any more, and can remove it.</p>
        )}
      </RunFailure>
      {later.length > 0 && (
        <ul className="plain-list" aria-label="Later errors">
          {later.map((fault) => (
            <li key={fault.message} className="wrap">
              Then <Text>{`${fault.class}: ${fault.message}`}</Text>
            </li>
          ))}
        </ul>
      )}
      {/* The state is said above already. */}
      {message !== undefined && message !== error?.message && message !== report?.state && (
        <p>
          <Text>{message}</Text>
        </p>
      )}
    </>
  );
}

function TimeLeft({ endsAt }: { endsAt: number }) {
  const left = endsAt - useNow();
  return left > 0 ? formatDuration(left) : "none: it times out";
}

type NamedService = readonly [string, ServiceReport];

function Services({ release: { report } }: { release: Release }) {
  const services = Object.entries(report?.services ?? {});
  const hasCauses = services.some(([, { causes }]) => causes.length > 0);
  const hasGroups = services.some(([, { group }]) => group !== undefined);
  return (
    <Panel title="Services">
      <Table
        empty={<Empty>The release has not reported on its services yet.</Empty>}
        label="Services of the release"
        rows={services}
        keyOf={([name]) => name}
        columns={[
          {
            header: "State",
            cell: ([, { isHealthy }]: NamedService) =>
              isHealthy ? <Mark status="succeeded" word="Healthy" /> : <Mark status="running" word="Not yet healthy" />,
          },
          {
            header: "Service",
            cell: ([name]) => (
              <b>
                <Text>{name}</Text>
              </b>
            ),
          },
          { header: "Healthy", cell: ([, service]) => <Servers of={service} /> },
          { header: "Unhealthy", number: true, cell: ([, { unhealthy }]) => unhealthy },
          { header: "Terminating", number: true, cell: ([, { terminating }]) => terminating },
          { header: "In the group", number: true, cell: ([, { launching }]) => launching },
          ...(hasCauses
            ? [{ header: "Why not", prose: true as const, cell: (of: NamedService) => <Causes of={of} /> }]
            : []),
          ...(hasGroups
            ? [
                {
                  header: "Auto Scaling group",
                  cell: ([, { group }]: NamedService) => <Text mono>{group ?? "–"}</Text>,
                },
              ]
            : []),
        ]}
      />
    </Panel>
  );
}

/** Servers that are drawn one by one; of more there are only the numbers. */
const MOST_DRAWN = 20;

/** Renders how many servers are healthy of those that are needed: as blocks, and as numbers. */
function Servers({ of: { healthy, unhealthy, targetHealthy } }: { readonly of: ServiceReport }) {
  const shown = Math.max(targetHealthy, healthy + unhealthy);
  const blocks = Array.from({ length: shown > MOST_DRAWN ? 0 : shown }, (_, index) =>
    index < healthy ? "healthy" : index < healthy + unhealthy ? "unhealthy" : "missing",
  );
  return (
    <span className="row asg-servers">
      <span aria-hidden="true" className="asg-blocks">
        {blocks.map((what, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a block is only its place
          <i key={index} className={what} />
        ))}
      </span>
      {`${healthy} of ${targetHealthy}`}
    </span>
  );
}

/** Renders what Auto Scaling and the load balancers said last: after a failure their groups no longer exist. */
function Causes({ of: [name, { causes }] }: { readonly of: NamedService }) {
  if (causes.length === 0) return null;
  return (
    <ul className="plain-list" aria-label={`Why servers of ${toSafeText(name)} are not healthy`}>
      {causes.map((cause) => (
        <li key={cause} className="wrap">
          <Text>{cause}</Text>
        </li>
      ))}
    </ul>
  );
}

interface ProgressProps {
  readonly release: Release;
  /** The state whose lines are shown; all without one. */
  readonly state: ReleaseState | undefined;
}

function Progress({ release: { report, jobId }, state }: ProgressProps) {
  return (
    <Panel
      title="Messages"
      actions={
        state !== undefined && (
          <>
            <span className="muted">
              of <Text>{formatReleaseState(state.name)}</Text> (<Text mono>{state.name}</Text>)
            </span>
            <To path="/asg" search={{ id: jobId, tab: "progress" }} className="button">
              All messages
            </To>
          </>
        )
      }
    >
      <Table
        label="Messages, newest first"
        height={320}
        rows={filterLines(report?.lines ?? [], state).toReversed()}
        keyOf={({ at, text }) => `${at} ${text}`}
        columns={[
          { header: "At", cell: ({ at }) => <Day at={new Date(at).toISOString()} short /> },
          { header: "Message", cell: ({ text }) => <Text>{text}</Text> },
        ]}
        empty={<Empty>No message was written here. The newest 50 are kept.</Empty>}
      />
    </Panel>
  );
}
