import { main } from "./runner.ts";

process.exitCode = await main();
