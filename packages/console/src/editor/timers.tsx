// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholder is that of a machine, in a plain string.
import { useState } from "react";
import { IconButton } from "../design/icon-button.tsx";
import type { TimerTime } from "../machine/edits/operation.ts";
import type { StateFormProps } from "./edit.ts";
import { NameSelect, TextField } from "./form-fields.tsx";
import { Headings } from "./headings.tsx";
import { type FormSchemas, PartForm } from "./part-form.tsx";

/** The ways to say when an event comes by itself. */
const KINDS = {
  in: { label: "after", field: "Length", example: "72h" },
  at: { label: "at", field: "Instant", example: "${metadata.expires_at}" },
  cron: { label: "on schedule", field: "Schedule", example: "0 3 * * *" },
} as const;

type Kind = keyof typeof KINDS;

interface TimersProps extends StateFormProps {
  readonly schemas: FormSchemas;
}

/** The keys of a timer that its row has. */
const ROW_KEYS = [...Object.keys(KINDS), "zone", "event"];

/** Renders the events that a state sends itself as a table, with one more to add. */
export function Timers({ outline, state: { name: state, timers }, schemas, edit }: TimersProps) {
  const [time, setTime] = useState<TimerTime>({ in: KINDS.in.example });
  const events = outline.events.map(({ name }) => name);
  return (
    <table>
      <caption>
        <h3>Timers</h3>
      </caption>
      <Headings names={["When", "Sends"]} isHidden />
      <tbody>
        {timers.map((timer, index) => {
          const of = `timer ${index + 1}`;
          // The rest of the text is not changed: it may be newer than what is shown.
          const change = (to: Partial<typeof timer>) =>
            edit({ kind: "change-timer", state, index, ...to }, `${of} of ${state}`);
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: timers have their order as their only identity
            <tr key={index}>
              <td>
                <TimeFields time={timer.time} of={of} onTime={(changed) => change({ time: changed })} />
                <PartForm
                  schemas={schemas}
                  outline={outline}
                  path={["states", state, "after", index]}
                  owner={of}
                  without={ROW_KEYS}
                />
              </td>
              <td>
                <NameSelect
                  label={`Event of ${of}`}
                  names={events}
                  value={timer.event}
                  onChange={(event) => change({ event })}
                />
              </td>
              <td>
                <IconButton
                  icon="remove"
                  label={`Delete ${of}`}
                  onPress={() => edit({ kind: "remove-timer", state, index }, `delete ${of} of ${state}`)}
                />
              </td>
            </tr>
          );
        })}
        <tr>
          <td>
            <TimeFields time={time} of="the new timer" onTime={setTime} />
          </td>
          <td>
            <NameSelect
              label="Add a timer that sends"
              none="Add timer…"
              names={events}
              value=""
              onChange={(event) => edit({ kind: "add-timer", state, event, time }, `add timer to ${state}`)}
            />
          </td>
          <td />
        </tr>
      </tbody>
    </table>
  );
}

interface TimeProps {
  readonly time: TimerTime;
  /** Which timer, for the labels. */
  readonly of: string;
  readonly onTime: (time: TimerTime) => void;
}

function TimeFields({ time, of, onTime }: TimeProps) {
  const kind: Kind = "in" in time ? "in" : "at" in time ? "at" : "cron";
  const zone = "cron" in time ? (time.zone ?? "") : "";
  const { field, example } = KINDS[kind];
  return (
    <div className="row">
      <select
        className="input"
        style={{ width: "auto" }}
        aria-label={`Kind of ${of}`}
        value={kind}
        onChange={({ target }) => {
          const chosen = toKind(target.value);
          onTime(toTime(chosen, KINDS[chosen].example, ""));
        }}
      >
        {Object.entries(KINDS).map(([name, { label }]) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
      </select>
      <TextField
        hidden
        label={`${field} of ${of}`}
        value={"in" in time ? time.in : "at" in time ? time.at : time.cron}
        placeholder={example}
        onEnter={(value) => onTime(toTime(kind, value, zone))}
      />
      {"cron" in time && (
        <TextField
          hidden
          label={`Time zone of ${of}`}
          value={zone}
          placeholder="UTC"
          onEnter={(value) => onTime(toTime(kind, time.cron, value))}
        />
      )}
    </div>
  );
}

function toKind(text: string): Kind {
  return text === "at" || text === "cron" ? text : "in";
}

function toTime(kind: Kind, value: string, zone: string): TimerTime {
  switch (kind) {
    case "in":
      return { in: value };
    case "at":
      return { at: value };
    case "cron":
      return zone === "" ? { cron: value } : { cron: value, zone };
  }
}
