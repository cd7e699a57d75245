import { Button } from "../design/button.tsx";
import { toSafeText } from "../text/safe-text.ts";
import { toClock } from "./clock.ts";
import type { Simulation } from "./use-simulation.ts";

/** Renders the time of a simulation as a line, with the timers of the present state, which can be pressed. */
export function ClockBar({ simulation: { steps, setSteps, add, played } }: { simulation: Simulation }) {
  if (played === undefined) return null;
  const start = Date.parse(played.start);
  const since = (instant: string) => Date.parse(instant) - start;
  const now = since(played.now);
  const end = Math.max(now, ...played.timers.map(({ at }) => since(at)), 1);
  const toPercent = (ms: number) => `${(ms / end) * 100}%`;
  const none = steps.length === 0 ? "No steps yet" : undefined;
  return (
    <div className="clock-bar">
      <span className="clock-now">{toClock(now)}</span>
      <div className="clock-track">
        <i style={{ width: toPercent(now) }} />
        {played.timers.map(({ event, at, step }) => (
          <button
            key={`${event} ${at}`}
            type="button"
            style={{ insetInlineEnd: `calc(100% - ${toPercent(since(at))})` }}
            aria-label={`Let time pass to ${toSafeText(event)} at ${toClock(since(at))}`}
            onClick={() => add(step)}
          >
            <span>
              {toSafeText(event)} {toClock(since(at))}
            </span>
          </button>
        ))}
      </div>
      <Button look="plain" idle={none} onPress={() => setSteps(steps.slice(0, -1))}>
        Step back
      </Button>
      <Button look="plain" idle={none} onPress={() => setSteps([])}>
        Start over
      </Button>
    </div>
  );
}
