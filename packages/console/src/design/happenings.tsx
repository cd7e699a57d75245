import type { ReactNode } from "react";
import { formatDate, nameZones } from "../text/durations.ts";
import { serverNow } from "../text/server-clock.ts";
import { Mark, type Status } from "./mark.tsx";
import { useSettings } from "./settings.ts";
import { Day } from "./text.tsx";
import "./happenings.css";

/** One act, as a sentence of a person. */
export interface Happening {
  readonly key: string;
  readonly at: string;
  readonly status: Status;
  /** The word of the outcome, for screen readers and on hover. */
  readonly word: string;
  /** Who did what to what. */
  readonly what: ReactNode;
  /** The reason, or the result. */
  readonly why?: ReactNode;
  /** In which way, such as by a token. */
  readonly who?: ReactNode;
}

interface HappeningsProps {
  /** The content of the list, for screen readers. */
  readonly label: string;
  /** Newest first. */
  readonly items: readonly Happening[];
}

/** Renders what happened: a sentence a row, grouped by day, times only in rows. */
export function Happenings({ label, items }: HappeningsProps) {
  const { zone } = useSettings();
  const today = formatDate(serverNow(), zone);
  const days = [...Map.groupBy(items, ({ at }) => formatDate(at, zone))];
  const zones = nameZones(
    days.map(([, rows]) => rows[0]?.at ?? ""),
    zone,
  );
  return (
    <section className="happenings" aria-label={label}>
      {days.map(([day, rows], index) => (
        <section key={day}>
          <h3>
            {day === today && "Today, "}
            {day}
            {zones[index] !== "" && ` (${zones[index]})`}
          </h3>
          <ul>
            {rows.map(({ key, at, status, word, what, why, who }) => (
              <li key={key} data-row={key}>
                <Day at={at} short />
                <Mark status={status} word={word} bare />
                <div className="happening-what">
                  {what}
                  {why !== undefined && <div className="happening-why">{why}</div>}
                </div>
                {who !== undefined && <span className="happening-who">{who}</span>}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </section>
  );
}
