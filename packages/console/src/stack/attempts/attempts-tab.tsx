import type { Attempt, HistoryEntry } from "@stackyard/sdk";
import { useMemo, useState } from "react";
import { findEnd } from "../../api/attempt-ids.ts";
import { toAttemptStatus } from "../../api/status.ts";
import { itemsOf, useLoad } from "../../api/use-load.ts";
import { useRetry } from "../../app/use-operation.tsx";
import { Button } from "../../design/button.tsx";
import { To, useChangeSearch, useSearch } from "../../design/links.tsx";
import { Mark, toneOf } from "../../design/mark.tsx";
import { Empty, Loaded, MissingNotice, Panel } from "../../design/page.tsx";
import { Pairs } from "../../design/pairs.tsx";
import { Scrolled } from "../../design/scrolled.tsx";
import { type Column, Table } from "../../design/table.tsx";
import { ActionsHeading, Ago, Day, Reason, Text } from "../../design/text.tsx";
import { AnsiText } from "../../log/ansi-text.tsx";
import { markLinesOfOne } from "../../log/lines-of-one.ts";
import { dropColors } from "../../text/ansi.ts";
import { formatDuration } from "../../text/durations.ts";
import { toFirstLine } from "../../text/safe-text.ts";
import { CancelDialog } from "../actions/task-dialogs.tsx";
import { useOperateRefusal } from "../refusals.ts";
import { type StackProps, type StackSource, toLogAddress } from "../source.ts";

const HISTORY = 1_000;

/** Renders all attempts, and two of them side by side; the address names the two. */
export function AttemptsTab({ source, stack }: StackProps) {
  const query = useLoad(source.key("attempts"), ({ signal }) => source.loadAttempts(signal));
  // Lines of the history say when an attempt ended, and with which error.
  const history = useLoad(source.key("attempts-history"), ({ signal }) =>
    source.loadHistory({ limit: HISTORY, signal }),
  );
  return (
    <Panel title="Attempts">
      <MissingNotice query={history} />
      <Loaded query={query} height={240}>
        {(attempts) => <Attempts source={source} stack={stack} attempts={attempts} history={itemsOf(history)} />}
      </Loaded>
    </Panel>
  );
}

interface AttemptsProps extends StackProps {
  readonly attempts: readonly Attempt[];
  readonly history: readonly HistoryEntry[];
}

function Attempts({ source, stack, attempts, history }: AttemptsProps) {
  const search = useSearch();
  const change = useChangeSearch();
  const ids = [search["a"], search["b"]].filter((id) => id !== undefined);
  const toggle = (id: string) => {
    const [a, b] = ids.includes(id) ? ids.filter((one) => one !== id) : [...ids, id].slice(-2);
    change({ a, b });
  };
  const longest = Math.max(...attempts.flatMap((attempt) => findDuration(attempt, history) ?? []));
  const columns: Column<Attempt>[] = [
    {
      id: "select",
      header: <span className="hidden-visually">Compare</span>,
      cell: ({ attemptId, task, attempt }) => (
        <input
          type="checkbox"
          aria-label={`Compare attempt ${attempt} of ${task}`}
          checked={ids.includes(attemptId)}
          onChange={() => toggle(attemptId)}
        />
      ),
    },
    { header: "Task", cell: (attempt) => <AttemptName attempt={attempt} /> },
    { header: "Sent", cell: ({ dispatchedAt }) => <Ago at={dispatchedAt} /> },
    {
      header: "Duration",
      cell: (attempt) => (
        <span className="duration">
          <Duration attempt={attempt} history={history} />
          <DurationBar attempt={attempt} ms={findDuration(attempt, history)} longest={longest} />
        </span>
      ),
    },
    { header: "Error", cell: (attempt) => <ErrorOf attempt={attempt} history={history} /> },
    {
      id: "actions",
      header: <ActionsHeading />,
      cell: (attempt) => {
        const before = attempts.find((one) => isBefore(one, attempt));
        return (
          <span className="row task-actions">
            <LogLink source={source} attempt={attempt} />
            {before !== undefined && (
              <Button
                look="plain"
                label={`Compare attempt ${attempt.attempt} of ${attempt.task} with the one before`}
                onPress={() => change({ a: before.attemptId, b: attempt.attemptId })}
              >
                Compare
              </Button>
            )}
            {source.refusal === undefined && isOfPresentTask(stack, attempt) && (
              <Operations source={source} stack={stack} attempt={attempt} />
            )}
          </span>
        );
      },
    },
  ];
  const compared = ids.flatMap((id) => attempts.filter(({ attemptId }) => attemptId === id));
  if (attempts.length === 0) return <Empty>No task was sent yet.</Empty>;
  return (
    <>
      <Table
        label="Attempts"
        columns={columns}
        rows={attempts}
        keyOf={({ attemptId }) => attemptId}
        height={compared.length === 0 ? "70vh" : "40vh"}
      />
      {compared.length === 0 ? (
        <p className="notice muted">Select two attempts to see them side by side.</p>
      ) : (
        <div className="compared">
          {compared.map((attempt) => (
            <ComparedAttempt
              key={attempt.attemptId}
              source={source}
              attempt={attempt}
              other={compared.find((one) => one !== attempt)}
              history={history}
            />
          ))}
        </div>
      )}
    </>
  );
}

function AttemptName({ attempt }: { attempt: Attempt }) {
  return (
    <span className="row nowrap">
      <Mark status={toAttemptStatus(attempt)} bare />
      <Text>{attempt.task}</Text>
      <span className="muted">attempt {attempt.attempt}</span>
    </span>
  );
}

/** Renders why an attempt failed, in one line; nothing for one that did not. */
function ErrorOf({ attempt, history }: AttemptProps) {
  const { code, description = "" } = findEnd(history, attempt) ?? {};
  if (code === undefined) return null;
  return <Reason reason={toFirstLine(dropColors(description))} code={code} />;
}

/** Returns true if an attempt is an earlier one of the same task in the same entry. */
function isBefore({ task, entry, attempt }: Attempt, next: Attempt): boolean {
  return task === next.task && entry === next.entry && attempt === next.attempt - 1;
}

interface AttemptProps {
  readonly attempt: Attempt;
  readonly history: readonly HistoryEntry[];
}

/** Returns how long an attempt took, in milliseconds; undefined for one that runs, or whose end is not among the lines. */
function findDuration(attempt: Attempt, history: readonly HistoryEntry[]): number | undefined {
  const end = findEnd(history, attempt);
  return end && Math.max(0, Date.parse(end.at) - Date.parse(attempt.dispatchedAt));
}

interface BarProps {
  readonly attempt: Attempt;
  readonly ms: number | undefined;
  /** The longest of all attempts, in milliseconds. */
  readonly longest: number;
}

/** Draws how long an attempt took beside the longest one; nothing where that is not known. */
function DurationBar({ attempt, ms, longest }: BarProps) {
  if (ms === undefined || longest <= 0) return null;
  return <i className={`tone-${toneOf(toAttemptStatus(attempt))}`} style={{ width: `${(100 * ms) / longest}%` }} />;
}

function Duration({ attempt, history }: AttemptProps) {
  const { dispatchedAt, status } = attempt;
  const ms = findDuration(attempt, history);
  if (ms !== undefined) return formatDuration(ms);
  return status === "settled" ? "–" : <Ago at={dispatchedAt} plain />;
}

function LogLink({ source, attempt }: { readonly source: StackSource; readonly attempt: Attempt }) {
  const log = toLogAddress(source, attempt.attemptId);
  return (
    <To path={log.path} search={log.search} className="button plain">
      Log
    </To>
  );
}

/** Returns true for the newest attempt of a task of the present state: what ended before can only be read. */
function isOfPresentTask({ tasks }: StackProps["stack"], { task, attemptId }: Attempt): boolean {
  return tasks.some(({ name, attempt }) => name === task && attempt?.attemptId === attemptId);
}

function Operations({ source, stack, attempt }: StackProps & { readonly attempt: Attempt }) {
  const refusal = useOperateRefusal(source, stack, "operate");
  const { retry, notice } = useRetry(stack);
  const [cancelling, setCancelling] = useState(false);
  const { task, status } = attempt;
  const hasFailed = stack.tasks.some(({ name, status: end }) => name === task && end === "ERROR");
  return (
    <>
      {hasFailed && (
        <Button look="plain" label={`Retry ${task}`} refusal={refusal} onPress={() => retry(task)}>
          Retry
        </Button>
      )}
      {status !== "settled" && (
        <Button look="plain" label={`Cancel ${task}…`} refusal={refusal} onPress={() => setCancelling(true)}>
          Cancel…
        </Button>
      )}
      {notice}
      {cancelling && <CancelDialog stack={stack} task={task} refusal={refusal} onClose={() => setCancelling(false)} />}
    </>
  );
}

const MAX_LINES = 200;

/** Loads the log of an attempt that has one; `lines` are its last ones, undefined until they are loaded. */
function useLogEnd(source: StackSource, attempt: Attempt | undefined) {
  const { attemptId = "", hasLog = false } = attempt ?? {};
  const log = useLoad(source.key("log-tail", { attemptId }), ({ signal }) => source.loadLogTail(attemptId, signal), {
    enabled: hasLog,
  });
  const { data } = log;
  return { log, lines: useMemo(() => data?.split("\n").slice(-MAX_LINES), [data]) };
}

interface ComparedProps extends AttemptProps {
  readonly source: StackSource;
  readonly other: Attempt | undefined;
}

function ComparedAttempt({ source, attempt, other, history }: ComparedProps) {
  const end = findEnd(history, attempt);
  const { log, lines } = useLogEnd(source, attempt);
  const { lines: others } = useLogEnd(source, other);
  const ofOne = useMemo(() => (lines && others ? markLinesOfOne(lines, others) : []), [lines, others]);
  return (
    <section className="compared-attempt" aria-label={`Attempt ${attempt.attempt} of ${attempt.task}`}>
      <h3 className="row">
        <Mark status={toAttemptStatus(attempt)} />
        <Text>{attempt.task}</Text> attempt {attempt.attempt}
      </h3>
      <Pairs
        of={{
          Sent: <Day at={attempt.dispatchedAt} />,
          Duration: <Duration attempt={attempt} history={history} />,
          Runner: <Text mono>{attempt.owner ?? "–"}</Text>,
          Error: (
            <Scrolled label="Error" className="facts-value">
              {end?.code !== undefined && <Text mono>{end.code}</Text>} <Text>{end?.description ?? ""}</Text>
              {end?.code === undefined && end?.description === undefined && "–"}
            </Scrolled>
          ),
        }}
      />
      {attempt.hasLog ? (
        <Loaded query={log}>
          {() => (
            <Scrolled label="End of the log" className="compared-log" as="pre">
              {lines?.map((line, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: lines of a text have no other identity
                <span key={index} className={ofOne[index] === true ? "excerpt-line of-one" : "excerpt-line"}>
                  <AnsiText>{line}</AnsiText>
                  {ofOne[index] === true && <span className="hidden-visually"> (only in this attempt)</span>}
                </span>
              ))}
            </Scrolled>
          )}
        </Loaded>
      ) : (
        <p className="muted">It has no log.</p>
      )}
    </section>
  );
}
