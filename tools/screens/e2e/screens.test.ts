import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPackagedChromium } from "@stackyard/browser";
import { describe, expect, it } from "vitest";
import { SCREENS } from "../src/screens.ts";
import { findDifference, listNames, STORED } from "../src/stored-pictures.ts";
import { takeScreens } from "../src/take-screens.ts";

const MOST_MS = 900_000;

// Letters are those of the packaged Chromium and of its fonts: another browser draws them in another way.
describe.runIf(findPackagedChromium() !== undefined && !process.env["STACKYARD_CHROMIUM"])(
  "the screens of the console",
  () => {
    it("look as the stored pictures: npm run screenshots -- --write stores a change", {
      timeout: MOST_MS,
    }, async () => {
      const names: string[] = [];
      const differences: string[] = [];

      await takeScreens({
        onTaken(taken) {
          names.push(taken.name);
          differences.push(...[findDifference(taken) ?? []].flat());
        },
      });

      // As text: a run shows the first line of what failed.
      expect(differences.join("; ")).toBe("");
      expect(listNames(STORED)).toEqual(names.sort());
    });

    it("look different when one button has moved by four pixels, or one word has changed", {
      timeout: MOST_MS,
    }, async () => {
      const differences = mkdtempSync(join(tmpdir(), "stackyard-differences-"));
      const screens = SCREENS.filter(({ name }) => name === "empty-stacks");
      const find = async (change: string) => {
        const found: string[] = [];
        await takeScreens({
          screens,
          change: async (page) => void (await page.evaluate(change)),
          onTaken: (taken) => void found.push(...[findDifference(taken, { differences }) ?? []].flat()),
        });
        return found.map((sentence) => sentence.split(":")[0]);
      };
      // By a rule: the button appears later than the head of its page.
      const rule = "main .steps .button { translate: 4px 0; }";

      const moved = await find(
        `document.head.append(Object.assign(document.createElement("style"), { textContent: "${rule}" }))`,
      );
      const reworded = await find(`document.querySelector("h1").textContent = "Stocks"`);

      expect(moved).toEqual(["empty-stacks-1440-light"]);
      expect(reworded).toEqual(moved);
      expect(listNames(differences)).toEqual(["empty-stacks-1440-light"]);
      rmSync(differences, { recursive: true });
    });
  },
);
