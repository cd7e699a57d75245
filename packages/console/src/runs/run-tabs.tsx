import { keepStart } from "@stackyard/core";
import type { Attempt, HistoryEntry } from "@stackyard/sdk";
import type { Job } from "@stackyard/sdk/jobs";
import type { ReactNode } from "react";
import { findEnd } from "../api/attempt-ids.ts";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { toAttemptStatus } from "../api/status.ts";
import { useLoad } from "../api/use-load.ts";
import { To, useSearch } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { Empty, Loaded, MissingNotice, Panel } from "../design/page.tsx";
import { Scrolled } from "../design/scrolled.tsx";
import { type Column, Table } from "../design/table.tsx";
import { Tabs } from "../design/tabs.tsx";
import { Ago, Text } from "../design/text.tsx";
import { useRunWork } from "./use-run.ts";
import "./runs.css";

/** A tab with what it shows. */
export interface RunTab {
  readonly id: string;
  readonly title: string;
  readonly show: () => ReactNode;
}

interface RunTabsProps {
  readonly job: Job;
  readonly path: string;
  /** Those of this kind of job, before those that all have. */
  readonly own?: readonly RunTab[];
  /** Those that may have nothing, after those that all have. */
  readonly last?: readonly RunTab[];
}

/** Renders the tabs of a job: those of its kind, then log, attempts and config. */
export function RunTabs({ job, path, own = [], last = [] }: RunTabsProps) {
  const { tab: named } = useSearch();
  const tabs: readonly RunTab[] = [
    ...own,
    { id: "log", title: "Log", show: () => <LogTail job={job} /> },
    { id: "attempts", title: "Attempts", show: () => <Attempts jobId={job.jobId} /> },
    { id: "config", title: "Config", show: () => <Config job={job} /> },
    ...last,
  ];
  const shown = tabs.find(({ id }) => id === named) ?? tabs[0];
  return (
    <>
      <Tabs path={path} tabs={tabs} keep={["id"]} />
      {shown?.show()}
    </>
  );
}

function Config({ job: { config, target, outputs } }: { job: Job }) {
  return (
    <div className="columns">
      <Json title="Config" value={config} />
      <div className="stack-v">
        {target !== undefined && <Json title="Target" value={target} />}
        {outputs !== undefined && <Json title="Outputs" value={outputs} />}
      </div>
    </div>
  );
}

function Attempts({ jobId }: { jobId: string }) {
  const { attempts, history, load } = useRunWork(jobId);
  if (attempts === undefined) return <MissingNotice query={load} />;
  return (
    <Panel title="Attempts" note={attempts.length}>
      <MissingNotice query={load} />
      <Table
        label="Attempts of the job"
        rows={attempts}
        keyOf={({ attemptId }) => attemptId}
        columns={toColumns(history)}
        empty={<Empty>No worker has started it yet.</Empty>}
      />
    </Panel>
  );
}

function toColumns(history: readonly HistoryEntry[]): readonly Column<Attempt>[] {
  return [
    { header: "Attempt", cell: ({ attempt }) => attempt },
    { header: "Result", cell: (attempt) => <Mark status={toAttemptStatus(attempt)} /> },
    { header: "Sent", cell: ({ dispatchedAt }) => <Ago at={dispatchedAt} /> },
    { header: "Error", cell: (attempt) => <Text mono>{findEnd(history, attempt)?.code ?? ""}</Text> },
    { header: "Runner", cell: ({ owner = "" }) => <Text mono>{owner}</Text> },
    {
      header: "Log",
      cell: ({ attemptId, attempt, hasLog }) =>
        hasLog && (
          <To path="/log" search={{ attempt: attemptId }} label={`Log of attempt ${attempt}`}>
            Log
          </To>
        ),
    },
  ];
}

const MAX_CHARACTERS = 20_000;

/** Renders a value as JSON. */
export function Json({ title, value }: { title: string; value: unknown }) {
  const text = JSON.stringify(value, null, 2);
  return (
    <Panel title={title}>
      <Scrolled label={title} className="panel-body job-text" as="pre">
        <Text>{keepStart(text, MAX_CHARACTERS)}</Text>
        {text.length > MAX_CHARACTERS && "\n…"}
      </Scrolled>
    </Panel>
  );
}

const TAIL_LINES = 40;

/** Renders the end of the newest attempt's log; the full log has its own page. */
function LogTail({ job: { jobId, endedAt } }: { job: Job }) {
  const { attempts } = useRunWork(jobId);
  const log = useLoad(keys.stack(jobId, "log", { endedAt }), (request) => yard.jobs.log(jobId, request));
  const attemptId = attempts?.[0]?.attemptId;
  return (
    <Panel
      title="End of the log"
      actions={
        attemptId !== undefined && (
          <span data-shortcut="l">
            <To path="/log" search={{ attempt: attemptId }}>
              Whole log
            </To>
          </span>
        )
      }
    >
      <Loaded query={log} height={120}>
        {(text) =>
          text === "" ? (
            <Empty>{endedAt === undefined ? "The log is here when the attempt has ended." : "The log is empty."}</Empty>
          ) : (
            <Scrolled label="End of the log" className="panel-body job-text" as="pre">
              <Text>{text.trimEnd().split("\n").slice(-TAIL_LINES).join("\n")}</Text>
            </Scrolled>
          )
        }
      </Loaded>
    </Panel>
  );
}
