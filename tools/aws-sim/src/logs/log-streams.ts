/** One line of a log. */
export interface LogEvent {
  readonly timestamp: number;
  readonly message: string;
}

/** Where a stream lies. */
export interface StreamPlace {
  readonly account: string;
  readonly region: string;
  readonly group: string;
  readonly stream: string;
}

/** What writes to a stream: all lines that it has written by an instant; undefined: it has not begun to write. */
export type LogSource = (now: number) => readonly LogEvent[] | undefined;

/** Streams by group. */
export interface LogStreams {
  add(place: StreamPlace, source: LogSource): void;
  hasGroup(place: Omit<StreamPlace, "stream">): boolean;
  /** In order of time; undefined: the stream does not exist. */
  read(place: StreamPlace, now: number): readonly LogEvent[] | undefined;
}

/** None at first. */
export function createLogStreams(): LogStreams {
  const groups = new Map<string, Map<string, LogSource[]>>();
  const toKey = ({ account, region, group }: Omit<StreamPlace, "stream">): string => `${account}/${region}/${group}`;

  function addGroup(place: Omit<StreamPlace, "stream">): Map<string, LogSource[]> {
    const streams = groups.get(toKey(place)) ?? new Map<string, LogSource[]>();
    groups.set(toKey(place), streams);
    return streams;
  }

  return {
    add(place, source) {
      const streams = addGroup(place);
      streams.set(place.stream, [...(streams.get(place.stream) ?? []), source]);
    },
    hasGroup: (place) => groups.has(toKey(place)),
    read(place, now) {
      const sources = groups.get(toKey(place))?.get(place.stream) ?? [];
      const written = sources.flatMap((source) => source(now) ?? []);
      const hasBegun = sources.some((source) => source(now) !== undefined);
      return hasBegun ? written.toSorted((one, other) => one.timestamp - other.timestamp) : undefined;
    },
  };
}
