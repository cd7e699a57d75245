import {
  explainCode,
  type FleetInstanceReport,
  type FleetReport,
  standingOf,
} from "@stackyard/executor-runcommand/report";
import { useContext, useEffect, useRef } from "react";
import { Button } from "../design/button.tsx";
import { TextLink, To, useSearch } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { Empty, Panel } from "../design/page.tsx";
import { Pairs } from "../design/pairs.tsx";
import { Scrolled } from "../design/scrolled.tsx";
import { type Column, Table } from "../design/table.tsx";
import { Day, MaybeLink, Text } from "../design/text.tsx";
import { formatDuration } from "../text/durations.ts";
import { STANDING_MARKS } from "./fleet-data.ts";
import { FleetPath } from "./fleet-path.ts";
import { useFleetFilter } from "./use-fleet-filter.ts";

/** Renders the instances of the filter, failed ones first, and next to them the output of the selected one. */
export function FleetInstances({ report }: { report: FleetReport }) {
  const path = useContext(FleetPath);
  const { instances, description, clear } = useFleetFilter(report);
  const search = useSearch();
  const chosen = report.instances.find(({ instanceId }) => instanceId === search["instance"]);
  const columns: readonly Column<FleetInstanceReport>[] = [
    {
      header: "Instance",
      cell: ({ instanceId }) => (
        <TextLink path={path} search={{ ...search, instance: instanceId }} text={instanceId} mono />
      ),
    },
    ...COLUMNS.filter(({ has = () => true }) => instances.some(has)),
  ];
  return (
    <div className={chosen === undefined ? "stack-v" : "columns"}>
      <Panel
        title={`${instances.length.toLocaleString("en")} instances`}
        actions={
          description !== "" && (
            <>
              <span className="muted">
                with <Text>{description}</Text>
              </span>
              <Button onPress={clear}>Clear</Button>
            </>
          )
        }
      >
        {instances.length === 0 ? (
          <Empty>No instance fits the filters.</Empty>
        ) : (
          <div className="fleet-table">
            <Table
              label="Instances"
              columns={columns}
              rows={instances}
              keyOf={toRowKey}
              height={480}
              selected={chosen && toRowKey(chosen)}
            />
          </div>
        )}
      </Panel>
      {chosen !== undefined && <InstanceDetails instance={chosen} />}
    </div>
  );
}

/** Returns the key of a row. A skipped instance may intentionally be listed twice, once for each reason. */
function toRowKey({ instanceId, state, code }: FleetInstanceReport): string {
  return state === "skipped" ? `${instanceId} ${code}` : instanceId;
}

/** A column that is left out where no instance has a value for it. */
interface InstanceColumn extends Column<FleetInstanceReport> {
  readonly has?: (instance: FleetInstanceReport) => boolean;
}

const COLUMNS: readonly InstanceColumn[] = [
  {
    header: "State",
    cell: (instance) => <Mark status={STANDING_MARKS[standingOf(instance)]} word={standingOf(instance)} />,
  },
  {
    header: "Code",
    has: ({ code }) => code !== undefined,
    cell: ({ code }) => code !== undefined && <Text mono>{code}</Text>,
  },
  {
    header: "Exit code",
    number: true,
    has: ({ responseCode }) => formatExit(responseCode) !== "",
    cell: ({ responseCode }) => formatExit(responseCode),
  },
  { header: "Roles", has: ({ roles }) => roles.length > 0, cell: ({ roles }) => <Text>{roles.join(", ")}</Text> },
  {
    header: "Platform",
    has: ({ platform }) => platform !== undefined,
    cell: ({ platform }) => <Text>{platform ?? ""}</Text>,
  },
  {
    header: "Took",
    number: true,
    has: ({ startedAt, endedAt }) => startedAt !== undefined && endedAt !== undefined,
    cell: ({ startedAt, endedAt }) =>
      startedAt !== undefined && endedAt !== undefined && formatDuration(endedAt - startedAt),
  },
];

function formatExit(code: number | undefined): string {
  return code === undefined || code === -1 ? "" : String(code);
}

function InstanceDetails({ instance }: { instance: FleetInstanceReport }) {
  const path = useContext(FleetPath);
  const { instanceId, code, detailedStatus, commandId, startedAt, stdoutTail, stderrTail, cut, links } = instance;
  const { instance: _, ...search } = useSearch();
  const known = code === undefined ? undefined : explainCode(code);
  const ref = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another instance was chosen, maybe on the map far above
  useEffect(() => {
    // Chromium returns a promise, which is not a clean-up.
    void ref.current?.scrollIntoView({ block: "nearest" });
  }, [instanceId]);
  return (
    <div ref={ref}>
      <Panel
        title={<Text mono>{instanceId}</Text>}
        actions={
          <To path={path} search={search} className="button">
            Close
          </To>
        }
      >
        <div className="panel-body stack-v">
          {known !== undefined && <p>{known.meaning}</p>}
          <Pairs
            of={{
              State: <Mark status={STANDING_MARKS[standingOf(instance)]} word={standingOf(instance)} />,
              Code: code !== undefined && <Text>{code}</Text>,
              "Systems Manager": detailedStatus !== undefined && <Text>{detailedStatus}</Text>,
              Command: commandId !== undefined && <Text>{commandId}</Text>,
              Started: startedAt !== undefined && <Day at={new Date(startedAt).toISOString()} />,
            }}
          />
          <Output title="Error stream" text={stderrTail} link={links?.stderr} />
          <Output title="Output" text={stdoutTail} link={links?.stdout} />
          {cut === true && <p className="muted">The output was longer; this is a part of it.</p>}
        </div>
      </Panel>
    </div>
  );
}

function Output({ title, text, link }: { title: string; text: string | undefined; link: string | undefined }) {
  if (text === undefined && link === undefined) return null;
  return (
    <div>
      <h3>{title}</h3>
      {text !== undefined && (
        <Scrolled label={title} className="fleet-example" as="pre">
          <Text>{text}</Text>
        </Scrolled>
      )}
      {link !== undefined && <MaybeLink value={link} />}
    </div>
  );
}
