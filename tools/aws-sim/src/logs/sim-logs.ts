import { jsonFaults } from "../json-faults.ts";
import { findText, type SimService } from "../sim-call.ts";
import { getLogEvents } from "./get-log-events.ts";
import { createLogStreams, type LogEvent, type LogSource, type StreamPlace } from "./log-streams.ts";

/** Logs that are read. Containers of `sim.ecs` with the driver `awslogs` write to them by the clock. */
export interface SimLogs {
  readonly service: SimService;
  addGroup(place: Omit<StreamPlace, "stream">): void;
  /** Makes group and stream where they are not there. Lines of the future are seen when their time has come. */
  write(place: StreamPlace, events: readonly LogEvent[]): void;
  /** What writes a stream as time passes. */
  addSource(place: StreamPlace, source: LogSource): void;
  /** The next so many calls answer with an empty page and a token that leads on, as CloudWatch Logs often does at first. */
  answerEmptyPages(count: number): void;
}

/** CloudWatch Logs, as far as it is read. Source: API reference, "GetLogEvents". */
export function createLogs(): SimLogs {
  const streams = createLogStreams();
  let emptyPages = 0;
  return {
    service: {
      operations: {
        GetLogEvents(call) {
          const page = Object(getLogEvents(streams, call));
          if (emptyPages === 0) return page;
          emptyPages -= 1;
          const start = findText(call.input, "nextToken");
          const { nextForwardToken, nextBackwardToken, events } = page;
          // Nothing was passed over: both tokens lead from where the page would have begun.
          const isForward = call.input["startFromHead"] === true;
          const here = start ?? (isForward ? nextBackwardToken : nextForwardToken);
          const at = here.slice(1);
          return { events: events.slice(0, 0), nextForwardToken: `f${at}`, nextBackwardToken: `b${at}` };
        },
      },
      toAction: (operation) => `logs:${operation}`,
      faults: jsonFaults,
    },
    addGroup: (place) => streams.addGroup(place),
    write(place, events) {
      streams.add(place, (now) => events.filter(({ timestamp }) => timestamp <= now));
    },
    addSource: (place, source) => streams.add(place, source),
    answerEmptyPages: (count) => {
      emptyPages = count;
    },
  };
}
