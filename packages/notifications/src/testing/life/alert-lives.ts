import type { Story } from "@stackyard/core/testing";
import { alertLife } from "./alert-life.ts";
import { withDeafSending, withHastyEndings, withoutEndings } from "./planted-alerts.ts";

const RENAMED = "the rule is renamed";

/** The lives of alerts: fair, and one in which the pager takes nothing at first. */
export const alertLives: readonly Story[] = [
  alertLife({
    name: "alert-life",
    refuses: [],
    planted: [
      {
        bug: "an alert whose rule is renamed is never resolved",
        run: { at: "look.fails#2", weather: RENAMED },
        invariant: "newest",
        plant: withoutEndings,
      },
      {
        bug: "an alert whose rule is renamed for a time is never resolved",
        run: { at: "look.fails#3", weather: `${RENAMED}, and back` },
        invariant: "back",
        plant: withoutEndings,
      },
      {
        bug: "a rule that is gone ends its alerts with the next line",
        run: { at: "look.fails#2", weather: RENAMED },
        invariant: "said",
        plant: withHastyEndings,
      },
    ],
  }),
  alertLife({
    name: "alert-life-pager-refuses",
    refuses: [503, 503],
    planted: [
      {
        bug: "a request that was refused counts as taken",
        invariant: "newest",
        plant: withDeafSending,
      },
    ],
  }),
];
