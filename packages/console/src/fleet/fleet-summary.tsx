import { type FleetReport, STANDINGS } from "@stackyard/executor-runcommand/report";
import type { Run } from "@stackyard/sdk/runs";
import { To, useSearch } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { Panel } from "../design/page.tsx";
import { Pairs } from "../design/pairs.tsx";
import { Instant, Text } from "../design/text.tsx";
import { formatDuration } from "../text/durations.ts";
import { STANDING_MARKS, toErrorBudget } from "./fleet-data.ts";

/** Renders the state of the run: counts, the error budget, and what was applied. */
export function FleetSummary({ run, report }: { run?: Run; report: FleetReport }) {
  const { counts, artifact, source, startedAt, endedAt } = report;
  return (
    <Panel title={run === undefined ? "Task of a machine" : <Mark status={run.state} />}>
      <div className="panel-body stack-v">
        {run?.error !== undefined && (
          <p>
            <span className="tone-fail">
              <Text mono>{run.error.code}</Text>
            </span>{" "}
            <Text>{run.error.message}</Text>
          </p>
        )}
        {run?.message !== undefined && (
          <p>
            <Text>{run.message}</Text>
          </p>
        )}
        <Standings report={report} />
        {run !== undefined && counts.selected > 0 && <Budget run={run} report={report} />}
        <Pairs
          of={{
            Artifact: artifact !== undefined && <Text>{`s3://${artifact.bucket}/${artifact.key}`}</Text>,
            "Started by": source !== undefined && <Text>{source}</Text>,
            Started: startedAt !== undefined && (
              <>
                <Instant at={new Date(startedAt).toISOString()} />
                {endedAt !== undefined && `, took ${formatDuration(endedAt - startedAt)}`}
              </>
            ),
          }}
        />
      </div>
    </Panel>
  );
}

function Standings({ report: { standings, counts } }: { report: FleetReport }) {
  const search = useSearch();
  return (
    <nav className="fleet-standings" aria-label="States of the instances">
      <To path="/fleet" search={{ ...search, state: undefined }} current={search["state"] === undefined}>
        {counts.selected.toLocaleString("en")} selected
      </To>
      {STANDINGS.filter((standing) => standings[standing] > 0).map((standing) => (
        <To key={standing} path="/fleet" search={{ ...search, state: standing }} current={search["state"] === standing}>
          <Mark status={STANDING_MARKS[standing]} word={`${standings[standing].toLocaleString("en")} ${standing}`} />
        </To>
      ))}
    </nav>
  );
}

function Budget({ run, report }: { run: Run; report: FleetReport }) {
  const { allowed, used } = toErrorBudget(run.config["maxErrors"], report);
  const isOver = used > allowed;
  return (
    <p className="row">
      <meter
        className="fleet-budget"
        min={0}
        max={Math.max(allowed, used, 1)}
        high={allowed + 0.5}
        low={allowed + 0.5}
        optimum={0}
        value={used}
        aria-label="Error budget"
      />
      <span className={isOver ? "tone-fail" : undefined}>
        {used.toLocaleString("en")} of {allowed.toLocaleString("en")} allowed failures
        {isOver ? ": nothing more is sent" : ""}
      </span>
    </p>
  );
}
