import { Button } from "../design/button.tsx";
import { changeSettings, useSettings } from "../design/settings.ts";
import { formatInstant, formatTime, formatZone } from "../text/durations.ts";
import type { ShownTimes } from "./use-log-times.ts";

/** Renders when a line was logged, to a tenth of a second; empty where that is not known. It is not copied with the line. */
export function LineTime({ at, times }: { readonly at: number; readonly times: ShownTimes }) {
  const { zone } = useSettings();
  if (!times.shown) return null;
  const time = times.timeOf(at);
  if (time === undefined) return <span className="log-time" />;
  const tenth = `.${Math.floor((time % 1_000) / 100)}`;
  return (
    <time
      className="log-time"
      dateTime={new Date(time).toISOString()}
      title={`${formatInstant(time, zone)}${tenth} ${formatZone(time, zone)}`}
    >
      {formatTime(time, zone)}
      {tenth}
    </time>
  );
}

/** Renders the switch of the times, and in which zone they are. The choice is kept in this browser. */
export function TimesSwitch({ times: { shown, known } }: { readonly times: ShownTimes }) {
  const { zone } = useSettings();
  return (
    <>
      <Button
        look="plain"
        pressed={shown}
        label="Show when each line was logged"
        onPress={() => changeSettings({ logTimes: !shown })}
      >
        Times
      </Button>
      {shown && known !== undefined && (
        <span className="muted">
          {known[0] === undefined
            ? "No times are stored for these lines"
            : `Times in ${formatZone(known[0].time, zone)}`}
        </span>
      )}
    </>
  );
}
