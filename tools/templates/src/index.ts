export { loadConsumer } from "./load-consumer.ts";
