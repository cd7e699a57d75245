import type { Attempt, ReleaseCalendar } from "@stackyard/sdk";
import { isAbsent, yard } from "../../api/client.ts";
import { useLoad } from "../../api/use-load.ts";
import { To } from "../../design/links.tsx";
import { Mark } from "../../design/mark.tsx";
import { ErrorNotice, Panel } from "../../design/page.tsx";
import { Ago, Day, Text, useNow } from "../../design/text.tsx";
import { formatStacks } from "../../text/format-stacks.ts";
import { toSafeText } from "../../text/safe-text.ts";
import type { StackProps } from "../source.ts";
import { HEIGHT, toCalendarDrawing, WIDTH } from "./calendar-drawing.ts";
import { holdsAnything, isHeld } from "./release-holds.ts";
import "./gate-panel.css";

interface GateProps extends StackProps {
  /** Undefined while unknown. */
  readonly attempts: readonly Attempt[] | undefined;
}

/** A freeze of other stacks changes no stack, so no message says that it has begun. */
const REFETCH_MS = 60_000;

/** Loads when a release may send; nothing is loaded for one that neither runs nor waits for an approval. */
export function useCalendar({ source, stack, attempts }: GateProps) {
  const isUnderWay =
    attempts?.some(({ status }) => status !== "settled") !== false || (stack.approvals ?? []).length > 0;
  const { data, error, refetch } = useLoad(
    source.key("calendar"),
    (request) => yard.deploys.calendar(stack.id, request),
    { enabled: isUnderWay, refetchInterval: REFETCH_MS },
  );
  // An answer from before its end would promise an opening to a release that waits for none.
  return { refetch, ...(isUnderWay ? { data, error } : { data: undefined, error: null }) };
}

interface GatePanelProps {
  readonly attempts: readonly Attempt[];
  readonly calendar: ReturnType<typeof useCalendar>;
}

/** Renders what holds a release or may hold it: closed gates, the hours of its calendars, freezes and alarms. */
export function GatePanel({ attempts, calendar: { data, error, refetch } }: GatePanelProps) {
  const closed = attempts.filter(isClosedGate);
  const problem = data === undefined && !isAbsent(error) ? error : null;
  const gates = closed.length + countParts(data, "windows");
  const parts = gates + countParts(data, "freezes") + countParts(data, "alarms");
  if (problem === null && parts === 0) return null;
  const isClosed = closed.length > 0 || (data !== undefined && holdsAnything(data));
  return (
    <Panel
      title={gates > 1 ? "Gates" : "Gate"}
      actions={
        problem === null && <Mark status={isClosed ? "waiting" : "healthy"} word={isClosed ? "Closed" : "Open"} />
      }
    >
      {problem !== null && <ErrorNotice error={problem} onRetry={() => void refetch()} />}
      {closed.map((attempt) => (
        <ClosedGate key={attempt.attemptId} attempt={attempt} />
      ))}
      {data !== undefined && <CalendarHours calendar={data} />}
    </Panel>
  );
}

/** Of a calendar that is not known nothing is shown. */
function countParts(calendar: ReleaseCalendar | undefined, part: "windows" | "freezes" | "alarms"): number {
  return calendar === undefined ? 0 : calendar[part].length;
}

function isClosedGate({ executor, status, progressMessage }: Attempt): boolean {
  return executor === "gate" && status !== "settled" && progressMessage !== undefined;
}

/** Renders what is closed, until when, and how to bypass it, as the gate itself says it. */
function ClosedGate({ attempt: { task, progressMessage = "", opensAt } }: { readonly attempt: Attempt }) {
  return (
    <div className="panel-body gate">
      <b>
        <Text>{task}</Text>
      </b>
      {opensAt !== undefined && (
        <span className="gate-opening">
          <Day at={opensAt} />
        </span>
      )}
      <p className="wrap muted">
        <Text>{progressMessage}</Text>
      </p>
    </div>
  );
}

function CalendarHours({ calendar }: { readonly calendar: ReleaseCalendar }) {
  return (
    <>
      {calendar.windows.map((window) => (
        <Hours key={`${window.calendar} ${window.zone}`} window={window} calendar={calendar} />
      ))}
      <Conditions calendar={calendar} />
    </>
  );
}

interface HoursProps {
  readonly window: ReleaseCalendar["windows"][number];
  readonly calendar: ReleaseCalendar;
}

/** Renders when a calendar lets its tasks send: until when or from when on, over time, and as a list. */
function Hours({ window, calendar }: HoursProps) {
  const { calendar: name, tasks, waiting, zone, stacks, problem, open } = window;
  return (
    <section className="panel-body gate" aria-label={toSafeText(`Window ${name}`)}>
      {problem === undefined ? (
        <NextHours window={window} calendar={calendar} />
      ) : (
        <p className="wrap">
          window <NameOf text={name} /> <Mark status="failed" word={problem} />
        </p>
      )}
      <p className="muted">
        <Text>
          {[zone, stacks !== undefined && formatStacks(stacks), `for ${tasks.join(", ")}`].filter(Boolean).join(", ")}
        </Text>
        {waiting > 0 && `: ${formatStacks(waiting)} to be sent`}
      </p>
      {problem === undefined && <Timeline window={window} calendar={calendar} />}
      {open.length > 0 && (
        <details className="gate-hours">
          <summary>All times in these days</summary>
          <ul>
            {open.map(({ from, to }) => (
              <li key={from}>
                <Day at={from} /> – <Day at={to} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function NextHours({ window, calendar }: HoursProps) {
  const { calendar: name, opensAt, closesAt } = window;
  const held = isHeld(calendar)(window);
  const at = held ? opensAt : closesAt;
  if (at === undefined) {
    return (
      <p>
        window <NameOf text={name} /> {held ? "is closed, and it is not known when it opens" : "is open"}
      </p>
    );
  }
  return (
    <>
      <span className="muted">
        window <NameOf text={name} /> {held ? "opens" : "is open until"}
      </span>
      <span className="gate-opening">
        <Day at={at} />
      </span>
      <span className="muted">
        <Ago at={at} />
        {held && closesAt !== undefined && (
          <>
            , then until <Day at={closesAt} />
          </>
        )}
      </span>
    </>
  );
}

function NameOf({ text }: { text: string }) {
  return (
    <b>
      <Text>{text}</Text>
    </b>
  );
}

function Timeline({ window, calendar }: HoursProps) {
  const now = useNow(10_000);
  const { spans, holds, present } = toCalendarDrawing(window, calendar, now);
  const times = window.open.length === 1 ? "once" : `${window.open.length} times`;
  return (
    <figure className="gate-line">
      <svg
        role="img"
        aria-label={toSafeText(
          `Window ${window.calendar} over time: open ${times}${holds.length > 0 ? ", with freezes" : ""}`,
        )}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        height={HEIGHT}
      >
        {spans.map(({ x, width }) => (
          <rect key={x} className="gate-open tone-ok" x={x} y={4} width={width} height={12} />
        ))}
        {holds.map(({ name, x, width }) => (
          <rect key={name} className="gate-frozen tone-wait" x={x} y={4} width={width} height={12}>
            <title>{toSafeText(`Freeze ${name}`)}</title>
          </rect>
        ))}
        <path className="gate-now" d={`M${present} 0V${HEIGHT}`} />
      </svg>
      <figcaption>
        <Day at={calendar.from} />
        <Day at={calendar.to} />
      </figcaption>
    </figure>
  );
}

/** Renders what else is examined before each send. */
function Conditions({ calendar: { freezes, windows, alarms } }: { readonly calendar: ReleaseCalendar }) {
  const hasNone = freezes.length === 0 && windows.length > 0;
  if (!hasNone && freezes.length + alarms.length === 0) return null;
  return (
    <ul className="panel-body gate-conditions" aria-label="Freezes and alarms">
      {freezes.map((freeze) => (
        <li key={freeze.name} className="wrap">
          <Mark status={freeze.passes ? "healthy" : "waiting"} word={`freeze ${freeze.name}`} />{" "}
          <span className="muted">
            <Text>{toReach(freeze)}</Text>,{" "}
            {freeze.to === undefined ? "until a person ends it" : <Until at={freeze.to} />}:{" "}
            <Text>{freeze.reason}</Text>
          </span>
        </li>
      ))}
      {hasNone && (
        <li>
          <Mark status="healthy" word="no freeze" />
        </li>
      )}
      {freezes.length > 0 && (
        <li>
          <To path="/freezes">Freezes</To>
        </li>
      )}
      {alarms.length > 0 && (
        <li className="muted">
          <Text>{`Read before each event: ${alarms.length === 1 ? "alarm" : "alarms"} ${alarms.join(", ")}`}</Text>
        </li>
      )}
    </ul>
  );
}

function Until({ at }: { at: string }) {
  return (
    <>
      until <Day at={at} />
    </>
  );
}

function toReach({ passes, where, machine }: ReleaseCalendar["freezes"][number]): string {
  if (passes) return "this release may pass";
  if (where !== undefined) return "holds some stacks";
  return machine === undefined ? "holds all stacks" : `holds stacks of ${machine}`;
}
