export { type DemoWords, parseDemoWords } from "./demo-words.ts";
export { keepYard, waitForEnd } from "./keep-yard.ts";
export { type ServedYard, type ServeInput, serveYard } from "./serve-yard.ts";
