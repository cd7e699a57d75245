import { cutText, nameSender } from "@stackyard/core";
import type { HistoryEntry, StackDetails } from "@stackyard/sdk";
import { JOB_MACHINE, toOutcomeStatus, toTaskStatus } from "../../api/status.ts";
import { useLoad } from "../../api/use-load.ts";
import { To } from "../../design/links.tsx";
import { Mark } from "../../design/mark.tsx";
import { Loaded, Panel } from "../../design/page.tsx";
import { Pairs } from "../../design/pairs.tsx";
import { Scrolled } from "../../design/scrolled.tsx";
import { type Column, Table } from "../../design/table.tsx";
import { Ago, Arrow, Day, Text } from "../../design/text.tsx";
import { type Difference, listDifferences, toText } from "../differences.ts";
import type { StackSource } from "../source.ts";

interface AtProps {
  readonly source: StackSource;
  readonly stack: StackDetails | undefined;
  readonly entry: HistoryEntry;
  /** The lines of the history, in which people are distinguished. */
  readonly lines: readonly HistoryEntry[];
}

/** Renders one line of a history, the stack after it, and its differences from now. */
export function AtPosition({ source, stack, entry, lines }: AtProps) {
  return (
    <div className="columns">
      <Panel
        title={
          <>
            At <Day at={entry.at} />
          </>
        }
        actions={
          source.loadAt !== undefined &&
          stack?.machine !== JOB_MACHINE && (
            <To
              path="/simulate"
              search={{ stack: source.stackId, machine: stack?.machine, at: String(entry.position) }}
              className="button"
            >
              Simulate from here
            </To>
          )
        }
      >
        <div className="panel-body stack-v">
          <EntryFacts entry={entry} sender={nameSender(entry, lines)} />
          {source.loadAt === undefined && (
            <p>
              State then: <Text>{entry.to ?? "removed"}</Text>
            </p>
          )}
        </div>
      </Panel>
      {source.loadAt !== undefined && <Then source={source} stack={stack} entry={entry} />}
    </div>
  );
}

function EntryFacts({ entry, sender }: { entry: HistoryEntry; sender: string | undefined }) {
  const { event, outcome, code, reason, description, from, to, task, sent, notes, position, at } = entry;
  const facts: Readonly<Record<string, string | undefined>> = {
    Task: task,
    "Sent by": sender,
    Code: code,
    Reason: reason,
    Message: description,
    Starts: sent.length === 0 ? undefined : sent.join(", "),
    Metadata:
      entry.metadata === undefined ? undefined : cutText(JSON.stringify(entry.metadata, null, 2), MAX_CHARACTERS),
    Outputs: entry.outputs === undefined ? undefined : cutText(JSON.stringify(entry.outputs, null, 2), MAX_CHARACTERS),
    Notes: notes.length === 0 ? undefined : notes.join("\n"),
    "Event id": entry.eventId,
    Position: String(position),
  };
  const shown = Object.entries(facts).map(([name, value]) => [
    name,
    value !== undefined && value !== "{}" && (
      <Scrolled key={name} label={name} className="facts-value">
        <Text>{value}</Text>
      </Scrolled>
    ),
  ]);
  return (
    <>
      <p className="row">
        <Mark status={toOutcomeStatus(outcome)} word={outcome} />
        <b>
          <Text>{event}</Text>
        </b>
        {to !== undefined && to !== from && (
          <span>
            <Text>{from ?? "–"}</Text> <Arrow /> <Text>{to}</Text>
          </span>
        )}
        <span className="muted">
          <Ago at={at} />
        </span>
      </p>
      <Pairs of={Object.fromEntries(shown)} />
    </>
  );
}

const MAX_CHARACTERS = 4_096;

const DIFFERENCES: Column<Difference>[] = [
  { header: "What", cell: ({ what }) => <Text>{what}</Text> },
  { header: "Then", cell: ({ before }) => <Value text={before} /> },
  { header: "Now", cell: ({ now }) => <Value text={now} /> },
];

function Value({ text }: { text: string | undefined }) {
  if (text === undefined) return <span className="muted">not set</span>;
  return <Text mono>{cutText(text, 200)}</Text>;
}

function Then({ source, stack, entry: { position } }: Omit<AtProps, "lines">) {
  const query = useLoad(
    ["other", "stack-at", source.stackId, position],
    ({ signal }) => source.loadAt?.(position, signal) ?? Promise.reject(new Error("Not available.")),
    {
      // The past does not change.
      staleTime: Number.POSITIVE_INFINITY,
      placeholderData: (before) => before,
    },
  );
  return (
    <Panel title="The stack then">
      <Loaded query={query} height={200}>
        {({ state, stack: then, incomplete }) => (
          <div className="panel-body stack-v">
            <p>
              State <b>{state === null ? "did not exist" : <Text>{state}</Text>}</b>
            </p>
            {incomplete !== undefined && (
              <p className="tone-warn">
                <Text>{incomplete}</Text>
              </p>
            )}
            {then !== undefined && (
              <>
                <p className="row">
                  {(then.tasks ?? []).map((task) => (
                    <span key={task.name} className="row">
                      <Mark status={toTaskStatus(task)} bare />
                      <Text>{task.name}</Text>
                    </span>
                  ))}
                </p>
                <h3>Difference to now</h3>
                <Differences stack={stack} differences={stack === undefined ? [] : listDifferences(then, stack)} />
                <h3>Metadata</h3>
                <dl className="pairs">
                  {Object.entries(then.metadata ?? {}).map(([key, value]) => (
                    <div key={key} style={{ display: "contents" }}>
                      <dt>
                        <Text>{key}</Text>
                      </dt>
                      <dd>
                        <Value text={toText(value)} />
                      </dd>
                    </div>
                  ))}
                </dl>
              </>
            )}
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

function Differences({ stack, differences }: { stack: StackDetails | undefined; differences: readonly Difference[] }) {
  if (stack === undefined) return <p className="muted">The stack was removed since.</p>;
  if (differences.length === 0) return <p className="muted">None.</p>;
  return (
    <Table
      label="Difference to now"
      columns={DIFFERENCES}
      rows={differences}
      keyOf={({ what }) => what}
      height="40vh"
    />
  );
}
