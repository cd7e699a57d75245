import type { FleetReport } from "@stackyard/executor-runcommand/report";
import type { Job } from "@stackyard/sdk/jobs";
import { useMemo } from "react";
import { usePlaceName } from "../api/use-account-name.ts";
import { useSearch } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { Panel } from "../design/page.tsx";
import { RunHead } from "../design/run/run-head.tsx";
import { Steps } from "../design/run/steps.tsx";
import { Ago, Text, useNow } from "../design/text.tsx";
import { JobHead } from "../runs/job-head.tsx";
import { RunFailure } from "../runs/run-failure.tsx";
import { RunTimeline } from "../runs/run-timeline.tsx";
import { formatDuration } from "../text/durations.ts";
import { toErrorBudget } from "./fleet-data.ts";
import { FleetStandings } from "./fleet-standings.tsx";
import { toWaveRows, toWaveSteps, toWaves } from "./fleet-waves.ts";

/** Renders the head of the run, why it failed, its waves and their times, and its instances by state. */
export function FleetSummary({ run, report }: { run?: Job; report: FleetReport }) {
  const { counts } = report;
  return (
    <>
      {run === undefined ? <TaskHead report={report} /> : <FleetHead run={run} report={report} />}
      {run !== undefined && <RunFailure job={run} />}
      {run !== undefined && <Waves run={run} report={report} />}
      <Panel title="Instances by state">
        <div className="panel-body stack-v">
          {run?.message !== undefined && run.error === undefined && (
            <p>
              <Text>{run.message}</Text>
            </p>
          )}
          <FleetStandings report={report} />
          {run !== undefined && counts.selected > 0 && <Budget run={run} report={report} />}
        </div>
      </Panel>
    </>
  );
}

function toWhat({ artifact }: FleetReport) {
  return artifact !== undefined && <Text>{`s3://${artifact.bucket}/${artifact.key}`}</Text>;
}

function toWhere({ counts: { selected } }: FleetReport): string {
  return `${selected.toLocaleString("en")} ${selected === 1 ? "instance" : "instances"}`;
}

function FleetHead({ run, report }: { run: Job; report: FleetReport }) {
  const toPlace = usePlaceName();
  const { account, region } = run.target ?? {};
  const place = typeof account === "string" && typeof region === "string" ? ` in ${toPlace(account, region)}` : "";
  return (
    <JobHead job={run} what={toWhat(report)} where={<Text>{`${toWhere(report)}${place}`}</Text>} by={report.source} />
  );
}

/** Renders the head of a task of a machine: its attempts are those of its stack. */
function TaskHead({ report }: { report: FleetReport }) {
  const { startedAt, endedAt } = report;
  return (
    <RunHead
      facts={{
        What: toWhat(report),
        Where: toWhere(report),
        By: "a task of a machine",
        Started: startedAt !== undefined && (
          <>
            <Ago at={new Date(startedAt).toISOString()} />
            {endedAt !== undefined && `, took ${formatDuration(endedAt - startedAt)}`}
          </>
        ),
      }}
    />
  );
}

function Waves({ run, report }: { run: Job; report: FleetReport }) {
  const { wave: chosen } = useSearch();
  const now = useNow();
  const waves = useMemo(() => toWaves(report.instances), [report.instances]);
  const steps = toWaveSteps(run.jobId, waves, { waiting: report.standings.waiting, chosen, now });
  return (
    <>
      {steps.length > 0 && (
        <Panel title="Waves" note={waves.at(-1)?.numbers[1]}>
          <Steps label="Waves in order" steps={steps} />
        </Panel>
      )}
      <RunTimeline job={run} rows={toWaveRows(run.jobId, waves)} />
    </>
  );
}

function Budget({ run, report }: { run: Job; report: FleetReport }) {
  const { allowed, used } = toErrorBudget(run.config["maxErrors"], report);
  const isOver = used > allowed;
  return (
    <p className={isOver ? "row fleet-over tone-fail" : "row"}>
      {isOver ? (
        <Mark status="failed" word="Budget exceeded" />
      ) : (
        <meter
          className="fleet-budget"
          min={0}
          max={Math.max(allowed, 1)}
          high={allowed + 0.5}
          low={allowed + 0.5}
          optimum={0}
          value={used}
          aria-label="Error budget"
        />
      )}
      <span>
        {used.toLocaleString("en")} of {allowed.toLocaleString("en")} allowed failures
        {isOver ? ": nothing more is sent" : ""}
      </span>
    </p>
  );
}
