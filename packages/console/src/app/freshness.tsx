import { POLL_MS } from "../api/refetch.ts";
import { useFreshness } from "../api/use-live.tsx";
import { Mark } from "../design/mark.tsx";
import { useSettings } from "../design/settings.ts";
import { useNow } from "../design/text.tsx";
import { formatTime } from "../text/durations.ts";
import { toServerTime } from "../text/server-clock.ts";

/** The time that a stream may take before the page says that none comes, in milliseconds. */
const PATIENCE_MS = 10_000;

/** Renders how fresh the page is. */
export function Freshness() {
  const fresh = useFreshness();
  const { zone } = useSettings();
  const now = useNow();
  if (fresh.kind === "live") return <Mark status="quiet" word="Live" />;
  if (fresh.kind === "web-page") return <Mark status="overdue" word="Not signed in at the proxy" />;
  const sinceMs = toServerTime(fresh.sinceMs);
  const age = Math.max(0, now - sinceMs);
  if (fresh.kind !== "unreachable") {
    if (fresh.kind === "signed-out" || age < PATIENCE_MS) return <Mark status="waiting" word="Connecting" />;
    return (
      <span title="Requests are answered, but no live updates arrive. A proxy probably holds back event streams.">
        <Mark status="waiting" word={`Live updates blocked: fetching every ${POLL_MS / 1_000} s`} />
      </span>
    );
  }
  const seconds = Math.round(age / 1_000);
  const word = age < PATIENCE_MS ? `Reconnecting ${seconds} s` : `Stale since ${formatTime(sinceMs, zone)}`;
  return <Mark status="overdue" word={word} />;
}
