import type { StackAt, StackDetails } from "@stackyard/sdk";
import { useState } from "react";
import { itemsOf, useLoad } from "../api/use-load.ts";
import { Button } from "../design/button.tsx";
import { Loaded, MissingFact, MissingNotice, Panel } from "../design/page.tsx";
import { Arrow, Day, Text } from "../design/text.tsx";
import { ValueChange } from "../design/value-change.tsx";
import { formatDuration } from "../text/durations.ts";
import { SendDialog } from "./actions/send-dialog.tsx";
import { listMetadataDifferences } from "./differences.ts";
import { findEarlierMs, findLastMove, type LastMove, toBrought } from "./last-move.ts";
import { useOperateRefusal } from "./refusals.ts";
import type { StackProps } from "./source.ts";
import { useNewestHistory } from "./use-newest-history.ts";
import "./changes-panel.css";

/** Renders what a failed stack has otherwise than before the event that led there, and offers to send that again. */
export function ChangesPanel({ source, stack }: StackProps) {
  const history = useNewestHistory(source);
  if (source.loadAt === undefined) return null;
  if (history.data === undefined) return <MissingNotice query={history} />;
  const last = findLastMove(history.data.items);
  if (last === undefined) return null;
  return <Changes source={source} stack={stack} last={last} />;
}

interface ChangesProps extends StackProps {
  readonly last: LastMove;
}

function Changes({ source, stack, last }: ChangesProps) {
  const { move, before, by } = last;
  const [again, setAgain] = useState(false);
  const refusal = useOperateRefusal(source, stack, "send");
  const query = useLoad(
    ["other", "stack-at", source.stackId, before.position],
    ({ signal }) => source.loadAt?.(before.position, signal) ?? Promise.reject(new Error("Not available.")),
    // The past does not change.
    { staleTime: Number.POSITIVE_INFINITY },
  );
  return (
    <Panel
      title="What changed before it failed"
      actions={
        <Button
          label={`Send ${move.event} again with the same values…`}
          refusal={refusal}
          onPress={() => setAgain(true)}
        >
          Run again…
        </Button>
      }
    >
      <Loaded query={query} height={160}>
        {(then) => (
          <dl className="pairs panel-body">
            <dt>Event</dt>
            <dd>
              <Text mono>{move.event}</Text>
              {by !== undefined && (
                <>
                  {" "}
                  by <Text>{by}</Text>
                </>
              )}
              , <Day at={move.at} />
            </dd>
            <dt>State</dt>
            <dd>
              <Text>{move.from ?? ""}</Text> until then
            </dd>
            <Metadata then={then} stack={stack} />
            <Revision before={before.machineHash} stack={stack} />
            <Durations source={source} stack={stack} last={last} />
          </dl>
        )}
      </Loaded>
      {again && (
        <SendDialog
          source={source}
          stack={stack}
          refusal={refusal}
          initial={{ event: move.event, ...toBrought(move) }}
          onClose={() => setAgain(false)}
        />
      )}
    </Panel>
  );
}

interface ThenProps {
  readonly then: StackAt;
  readonly stack: StackDetails;
}

function Metadata({ then, stack }: ThenProps) {
  if (then.stack === undefined) return null;
  const differences = listMetadataDifferences(then.stack, stack);
  const equal = Object.keys(stack.metadata).length - differences.filter(({ now }) => now !== undefined).length;
  return (
    <>
      {differences.map((difference) => (
        <ValueChange key={difference.what} {...difference} />
      ))}
      <dt>Metadata</dt>
      <dd className="muted">{differences.length === 0 ? "All values are equal" : `${equal} other values are equal`}</dd>
    </>
  );
}

interface RevisionProps {
  /** The hash of the revision then, where the history says it. */
  readonly before: string | undefined;
  readonly stack: StackDetails;
}

function Revision({ before, stack: { machine, machineHash } }: RevisionProps) {
  return (
    <>
      <dt>Machine</dt>
      <dd>
        {before === undefined || before === machineHash ? (
          <>
            <Text>{machine}</Text>@{machineHash.slice(0, 4)}
            {before === machineHash && <span className="muted">, equal</span>}
          </>
        ) : (
          <>
            <Text>{machine}</Text>@{before.slice(0, 4)} <Arrow /> {machineHash.slice(0, 4)}
          </>
        )}
      </dd>
    </>
  );
}

/** Renders the duration of each failed task at its last success. */
function Durations({ source, stack, last: { move } }: ChangesProps) {
  const attempts = useLoad(source.key("attempts"), ({ signal }) => source.loadAttempts(signal));
  const history = useNewestHistory(source);
  const failed = stack.tasks.filter(({ status }) => status === "ERROR");
  const known = failed.flatMap(({ name }) => {
    const ms = findEarlierMs(name, move.at, itemsOf(attempts), itemsOf(history));
    return ms === undefined ? [] : [{ name, ms }];
  });
  return (
    <>
      <MissingFact word="Durations" query={attempts} />
      <MissingFact word="Durations" query={history} />
      {known.map(({ name, ms }) => (
        <ChangeOfDuration key={name} name={name} ms={ms} />
      ))}
    </>
  );
}

function ChangeOfDuration({ name, ms }: { name: string; ms: number }) {
  return (
    <>
      <dt>Duration</dt>
      <dd>
        <Text>{name}</Text> took {formatDuration(ms)} when it last succeeded
      </dd>
    </>
  );
}
