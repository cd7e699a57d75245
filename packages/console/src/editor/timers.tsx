// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholder is that of a machine, in a plain string.
import { useState } from "react";
import type { TimerTime } from "../machine/edits/operation.ts";
import type { Outline, OutlineState } from "../machine/outline.ts";
import { toSafeText } from "../text/safe-text.ts";
import type { Edit } from "./edit.ts";
import { Chip } from "./form-fields.tsx";

/** The ways to say when an event comes by itself, with what the field of each begins with. */
const KINDS = {
  in: { label: "after", field: "Length of the timer", example: "72h" },
  at: { label: "at", field: "Instant of the timer", example: "${metadata.expires_at}" },
  cron: { label: "on schedule", field: "Schedule of the timer", example: "0 3 * * *" },
} as const;

type Kind = keyof typeof KINDS;

interface TimersProps {
  readonly outline: Outline;
  readonly state: OutlineState;
  readonly edit: Edit;
}

/** The events that a state sends itself, and a form for another one. */
export function Timers({ outline, state, edit }: TimersProps) {
  const [kind, setKind] = useState<Kind>("in");
  const [value, setValue] = useState<string>(KINDS.in.example);
  const [zone, setZone] = useState("");
  const add = (event: string) => {
    edit(
      { kind: "add-timer", state: state.name, event, time: toTime(kind, value, zone) },
      `add timer to ${state.name}`,
    );
  };
  return (
    <div className="row">
      <h3>Timers</h3>
      {state.timers.map((timer, index) => (
        <Chip
          // biome-ignore lint/suspicious/noArrayIndexKey: timers have their order as their only identity
          key={`${index} ${timer.time}`}
          text={`${timer.event} ${timer.time}`}
          label={`Delete the timer ${timer.event}`}
          onRemove={() => edit({ kind: "remove-timer", state: state.name, index }, `delete timer of ${state.name}`)}
        />
      ))}
      <select
        className="input"
        style={{ width: "auto" }}
        aria-label="Kind of the timer"
        value={kind}
        onChange={({ target }) => {
          const chosen = toKind(target.value);
          setKind(chosen);
          setValue(KINDS[chosen].example);
        }}
      >
        {Object.entries(KINDS).map(([name, { label }]) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
      </select>
      <input
        className="input"
        style={{ width: kind === "in" ? "5rem" : "14rem" }}
        aria-label={KINDS[kind].field}
        value={value}
        onChange={({ target }) => setValue(target.value)}
      />
      {kind === "cron" && (
        <input
          className="input"
          style={{ width: "10rem" }}
          aria-label="Time zone of the timer"
          placeholder="UTC"
          value={zone}
          onChange={({ target }) => setZone(target.value)}
        />
      )}
      <select
        className="input"
        style={{ width: "auto" }}
        aria-label="Add a timer that sends"
        value=""
        onChange={({ target }) => add(target.value)}
      >
        <option value="">Add timer…</option>
        {outline.events.map(({ name }) => (
          <option key={name}>{toSafeText(name)}</option>
        ))}
      </select>
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
