import { useEffect, useMemo, useState } from "react";
import { findLine, type LogBuffer } from "./log-buffer.ts";
import { isCause } from "./log-causes.ts";
import { findSection, type LogSection, type ShownLines, toSections, toShownLines } from "./log-sections.ts";

/** The title of a section, as a button that folds it. */
export interface Fold {
  readonly title: string;
  readonly folded: boolean;
  /** Lines below the title. */
  readonly lines: number;
  /** A line that is folded away reads like the cause of a failure. */
  readonly hiddenCause: boolean;
  readonly toggle: () => void;
}

/** The sections of a log, and which of them are folded. */
export interface Folds {
  readonly sections: readonly LogSection[];
  readonly shown: ShownLines;
  readonly anyFolded: boolean;
  readonly allFolded: boolean;
  /** Returns the fold whose title is on a line. */
  readonly foldAt: (index: number) => Fold | undefined;
  readonly toggleAll: () => void;
}

const NONE: ReadonlySet<number> = new Set();

/** Folds sections of a log. The section of a selected line is opened, so that a link to a line always shows it. */
export function useFolds(buffer: LogBuffer, selected: number | undefined): Folds {
  const { lines } = buffer;
  // By the place of the title in the log: indexes change when earlier lines are loaded.
  const [folded, setFolded] = useState(NONE);
  const sections = useMemo(() => toSections(lines), [lines]);
  const placeOf = (section: LogSection) => lines[section.head]?.at ?? -1;
  const selectedIndex = selected === undefined ? -1 : findLine(buffer, selected);
  const opened = findSection(sections, selectedIndex);
  const openedAt = opened === undefined || opened.head === selectedIndex ? undefined : placeOf(opened);
  useEffect(() => {
    if (selected !== undefined && openedAt !== undefined) setFolded((before) => without(before, openedAt));
  }, [openedAt, selected]);
  const shown = useMemo(() => {
    const hidden = sections.filter(({ head }) => folded.has(lines[head]?.at ?? -1));
    return toShownLines(lines.length, hidden);
  }, [lines, sections, folded]);
  const allFolded = sections.length > 0 && sections.every((section) => folded.has(placeOf(section)));
  return {
    sections,
    shown,
    anyFolded: shown.count < lines.length,
    allFolded,
    toggleAll: () => setFolded(allFolded ? NONE : new Set(sections.map(placeOf))),
    foldAt(index) {
      const section = findSection(sections, index);
      if (section === undefined || section.head !== index) return undefined;
      const at = placeOf(section);
      const isFolded = folded.has(at);
      return {
        title: section.title,
        folded: isFolded,
        lines: section.last - section.head,
        hiddenCause: isFolded && lines.slice(section.head + 1, section.last + 1).some(({ text }) => isCause(text)),
        toggle: () => setFolded((before) => (isFolded ? without(before, at) : new Set([...before, at]))),
      };
    },
  };
}

function without(places: ReadonlySet<number>, place: number): ReadonlySet<number> {
  return places.has(place) ? new Set([...places].filter((one) => one !== place)) : places;
}
