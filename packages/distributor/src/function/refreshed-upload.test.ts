import { expect, it } from "vitest";
import { PLACE } from "../testing/a-cell.ts";
import { aRegistration } from "../testing/a-distributor-world.ts";
import { createFleet } from "../testing/a-fleet.ts";

it("gives a fresh URL of the newest upload under a key to who names nothing but the key", async () => {
  const fleet = createFleet();
  await fleet.register(PLACE);
  const key = "uploads/shop/40/app.zip";
  for (const body of ["first", "second"]) {
    fleet.sim.s3.write("source", key, body);
    await fleet.created(key);
    await fleet.clock.advance(1_000);
  }
  const [, second] = fleet.sent();
  const detail = { v: 1, distributionId: "d", key, ...PLACE };

  await fleet.handle({ ...aRegistration(PLACE), "detail-type": "artifact.refresh", detail });

  expect(fleet.sent()[2]).toMatchObject({ target: PLACE, sequence: second?.sequence, artifact: second?.artifact });
});
