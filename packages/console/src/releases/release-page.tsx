import { defined } from "@stackyard/core";
import type { Release, ServiceReport } from "@stackyard/sdk/releases";
import { useState } from "react";
import { useRefusal } from "../api/access.ts";
import { queryClient } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { JOB_MACHINE } from "../api/status.ts";
import { useLoad } from "../api/use-load.ts";
import { Beside } from "../design/beside.tsx";
import { Button } from "../design/button.tsx";
import { ActionDialog, type ActionProps } from "../design/dialog.tsx";
import { To, useGo, useSearch } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { Empty, Loaded, Page, Panel } from "../design/page.tsx";
import { Pairs } from "../design/pairs.tsx";
import { Table } from "../design/table.tsx";
import { Instant, Text, useNow } from "../design/text.tsx";
import { useToast } from "../design/toasts.tsx";
import { formatDuration } from "../text/durations.ts";
import { ReleaseList } from "./release-list.tsx";
import { formatRelease, releases, toReleaseStatus } from "./release-status.ts";

const REFETCH_MS = 2_000;

/** Renders one release: its progress, the reports of its services, and the possible actions. */
export function ReleasePage() {
  const { id = "" } = useSearch();
  return (
    <Beside label="Other releases" list={<ReleaseList runId={id} />}>
      <OneRelease key={id} id={id} />
    </Beside>
  );
}

function OneRelease({ id }: { id: string }) {
  const release = useLoad(keys.list("release", { id }), (request) => releases.get(id, request), {
    enabled: id !== "",
    refetchInterval: ({ state: { data } }) => (data !== undefined && isOver(data) ? false : REFETCH_MS),
  });
  return (
    <Page title={`Release ${release.data === undefined ? id : formatRelease(release.data)}`}>
      {id === "" ? (
        <Empty command="stackyard asg ls">The address names no release. Open one from the list.</Empty>
      ) : (
        <Loaded query={release} height={400}>
          {(found) => (
            <>
              <Actions release={found} />
              <Summary release={found} />
              <Services release={found} />
              <Causes release={found} />
              <div className="columns">
                <Path release={found} />
                <Lines release={found} />
              </div>
            </>
          )}
        </Loaded>
      )}
    </Page>
  );
}

function isOver({ standing }: Release): boolean {
  return standing !== "running" && standing !== "waiting";
}

function Summary({ release }: { release: Release }) {
  const { project, config, account, region, error, report, message, end, startedAt } = release;
  return (
    <Panel title={<Mark {...toReleaseStatus(release)} />}>
      {error !== undefined && (
        <div className="notice fail">
          <p className="wrap">
            <Text>{error.message}</Text>
          </p>
          <p className="muted mono">{error.code}</p>
          {end === "FailureDirty" && (
            <p>It left groups behind, and its lock. Repair lists what no release owns any more, and can remove it.</p>
          )}
        </div>
      )}
      <Pairs
        className="pairs panel-body"
        of={{
          "Project, configuration": <Text>{`${project}, ${config}`}</Text>,
          Where: `${account} ${region}`,
          Started: <Instant at={startedAt} />,
          "Time left": report?.startedAt !== undefined && !isOver(release) && (
            <TimeLeft endsAt={report.startedAt + report.timeoutSeconds * 1_000} />
          ),
          Message: message !== undefined && <Text>{message}</Text>,
        }}
      >
        {report?.laterErrors.map((fault) => (
          <div key={fault.message} style={{ display: "contents" }}>
            <dt>Then</dt>
            <dd>
              <Text>{`${fault.class}: ${fault.message}`}</Text>
            </dd>
          </div>
        ))}
      </Pairs>
    </Panel>
  );
}

function TimeLeft({ endsAt }: { endsAt: number }) {
  const left = endsAt - useNow();
  return left > 0 ? formatDuration(left) : "none: it times out";
}

type NamedService = readonly [string, ServiceReport];

function Services({ release: { report } }: { release: Release }) {
  const services = Object.entries(report?.services ?? {});
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
          { header: "Service", cell: ([name]) => <Text>{name}</Text> },
          {
            header: "Healthy / needed",
            number: true,
            cell: ([, service]) => `${service.healthy} / ${service.targetHealthy}`,
          },
          { header: "Unhealthy", number: true, cell: ([, { unhealthy }]) => unhealthy },
          { header: "Terminating", number: true, cell: ([, { terminating }]) => terminating },
          { header: "In the group", number: true, cell: ([, { launching }]) => launching },
          { header: "Auto Scaling group", cell: ([, { group }]) => <Text mono>{group ?? "–"}</Text> },
        ]}
      />
    </Panel>
  );
}

/** Renders what Auto Scaling and the load balancers said last: after a failure their groups no longer exist. */
function Causes({ release: { report } }: { release: Release }) {
  const rows = Object.entries(report?.services ?? {}).flatMap(([service, { causes }]) =>
    causes.map((cause) => ({ service, cause })),
  );
  if (rows.length === 0) return null;
  return (
    <Panel title="Why servers are not healthy">
      <ul className="panel-body" aria-label="Reasons by service">
        {rows.map(({ service, cause }) => (
          <li key={`${service} ${cause}`} className="wrap">
            <Text>{`${service}: ${cause}`}</Text>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Path({ release: { report } }: { release: Release }) {
  return (
    <Panel title="Path">
      <Table
        label="States that the release entered"
        height={320}
        rows={report?.path ?? []}
        keyOf={({ state, at }) => `${at} ${state}`}
        columns={[
          { header: "At", cell: ({ at }) => <Instant at={new Date(at).toISOString()} short /> },
          { header: "State", cell: ({ state }) => <Text>{state}</Text> },
        ]}
      />
    </Panel>
  );
}

function Lines({ release: { report, runId } }: { release: Release }) {
  return (
    <Panel
      title="Progress"
      actions={
        <To path="/job" search={{ id: runId }}>
          Open the job
        </To>
      }
    >
      <Table
        label="Lines of progress, newest first"
        height={320}
        rows={[...(report?.lines ?? [])].reverse()}
        keyOf={({ at, text }) => `${at} ${text}`}
        columns={[
          { header: "At", cell: ({ at }) => <Instant at={new Date(at).toISOString()} short /> },
          { header: "Line", cell: ({ text }) => <Text>{text}</Text> },
        ]}
      />
    </Panel>
  );
}

// The predecessor's path: from this state on traffic moves, and a halt would leave two versions in service.
const AFTER_TRAFFIC = new Set(["CleanUpSuccess", "Success", "DetachForSuccess", "WaitDetachForSuccess"]);

interface Action extends Pick<ActionProps, "verb" | "danger" | "reason" | "typed"> {
  readonly text: string;
  /** Returns the run to open. */
  readonly act: (reason: string | undefined) => Promise<Release>;
  readonly refusal: string | undefined;
}

function Actions({ release }: { release: Release }) {
  const [open, setOpen] = useState<Action>();
  const toast = useToast();
  const go = useGo();
  const actions = useActions(release);
  return (
    <div className="row">
      {actions.map((action) => (
        <Button
          key={action.verb}
          refusal={action.refusal}
          {...(action.danger && { look: "danger" as const })}
          onPress={() => setOpen(action)}
        >
          {action.verb}…
        </Button>
      ))}
      {open !== undefined && (
        <ActionDialog
          {...open}
          title={`${open.verb}: ${formatRelease(release)}`}
          onClose={() => setOpen(undefined)}
          act={async (reason) => {
            const { runId } = await open.act(reason);
            toast(`${open.verb} was sent.`);
            await queryClient.invalidateQueries({ queryKey: ["list"] });
            if (runId !== release.runId) go("/release", { id: runId });
          }}
        >
          <p>{open.text}</p>
        </ActionDialog>
      )}
    </div>
  );
}

function useActions(release: Release): readonly Action[] {
  const { runId, releaseId, project, config, account, region, report } = release;
  const subject = { machine: JOB_MACHINE, stackId: runId };
  const operate = useRefusal("operate", subject);
  const repair = useRefusal("repair", subject);
  const over = isOver(release) ? "The release has ended" : undefined;
  const running = isOver(release) ? undefined : "The release still runs";
  const moved = report !== undefined && AFTER_TRAFFIC.has(report.state) ? "Traffic has moved" : undefined;
  const at = { account, region, project, config };
  return [
    {
      verb: "Halt",
      danger: true,
      reason: "required",
      typed: project,
      text: "Stops the release and removes what it created. The version that serves now stays.",
      refusal: operate ?? over ?? moved ?? (release.isHalting ? "A halt was requested" : undefined),
      act: (reason) => releases.halt(runId, { ...defined({ reason }) }),
    },
    {
      verb: "Roll back",
      danger: true,
      text: "One step back: to the groups that are kept, else to the release document before.",
      refusal: repair ?? running,
      act: () => releases.rollback({ at, ...(releaseId !== "" && { releaseId }) }),
    },
    {
      verb: "Repair",
      text: "Lists what no release owns any more. Nothing is removed.",
      refusal: repair ?? running,
      act: () => releases.repair({ at }),
    },
    {
      verb: "Lock",
      reason: "required",
      text: "Blocks deployments of this project and configuration until it is unlocked. Running releases continue.",
      refusal: repair,
      act: (reason = "") => releases.lock({ at, reason }),
    },
    {
      verb: "Unlock",
      typed: project,
      text: "Permits deployments again.",
      refusal: repair,
      act: () => releases.unlock({ at }),
    },
  ];
}
