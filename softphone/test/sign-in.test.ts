import { expect, test } from "vitest";

import { SignIn, type Stage } from "../src/ccp/sign-in";
import { FakeClock } from "./fake-clock";

function setup() {
  const clock = new FakeClock();
  const world = { opened: 0, reloads: 0, isInCall: false, isBlocked: false, popup: { closed: false, close() { this.closed = true; } }, stages: [] as Stage[], failures: 0 };
  const signIn = new SignIn({
    clock,
    open() {
      world.opened++;
      world.popup = { closed: false, close() { this.closed = true; } };
      return world.isBlocked ? null : world.popup;
    },
    reload: () => { world.reloads++; },
    isInCall: () => world.isInCall,
    changed(stage, failures) {
      world.stages.push(stage);
      world.failures = failures;
    },
  });
  return { clock, world, signIn };
}

test("a slow network: the frame answers after 4.2 s and no window was opened", async () => {
  const { clock, world, signIn } = setup();
  await clock.pass(4200);
  signIn.acknowledged();
  await clock.pass(10_000);
  expect(world).toMatchObject({ opened: 0, stages: ["ready"] });
});

test("no session: the agent is asked; one click opens one window, which closes when the frame answers", async () => {
  const { clock, world, signIn } = setup();
  await clock.pass(5000);
  expect([signIn.stage, world.opened]).toEqual(["sign_in", 0]);
  signIn.begin();
  signIn.begin();
  expect(world.opened).toBe(1);
  await clock.pass(12_000);
  expect(world.reloads).toBe(2);
  signIn.acknowledged();
  expect([signIn.stage, world.popup.closed]).toEqual(["ready", true]);
  await clock.pass(10_000);
  expect(world.reloads).toBe(2);
});

test("closed without signing in, five times: never opened by itself, the agent may always try again", async () => {
  const { clock, world, signIn } = setup();
  await clock.pass(5000);
  for (let n = 1; n <= 5; n++) {
    signIn.begin();
    world.popup.closed = true;
    await clock.pass(20_000);
    expect([signIn.stage, world.opened, world.failures]).toEqual(["no_session", n, n]);
  }
  await clock.pass(3_600_000);
  expect(world.opened).toBe(5);
});

test("a blocked window is said to be one, and another click may help", async () => {
  const { clock, world, signIn } = setup();
  await clock.pass(5000);
  world.isBlocked = true;
  signIn.begin();
  expect(signIn.stage).toBe("blocked_popup");
  world.isBlocked = false;
  signIn.begin();
  expect(signIn.stage).toBe("signing_in");
});

test("a minute without the frame's answer: the window is left alone and the likely setting is named", async () => {
  const { clock, world, signIn } = setup();
  await clock.pass(5000);
  signIn.begin();
  await clock.pass(65_000);
  expect([signIn.stage, world.popup.closed, world.failures]).toEqual(["slow_sign_in", false, 1]);
  signIn.acknowledged();
  expect(signIn.stage).toBe("ready");
});

test("signed out: no window until the agent clicks", async () => {
  const { clock, world, signIn } = setup();
  signIn.acknowledged();
  signIn.signedOut();
  await clock.pass(3_600_000);
  expect([signIn.stage, world.opened, world.reloads]).toEqual(["signed_out", 0, 0]);
});

test("a call is up and the frame is silent for a while: nothing over the call, no reload, and it recovers by itself", async () => {
  const { clock, world, signIn } = setup();
  signIn.acknowledged();
  world.isInCall = true;
  await clock.pass(21_000);
  signIn.begin();
  expect([signIn.stage, world.opened, world.reloads]).toEqual(["lost", 0, 0]);
  signIn.acknowledged();
  expect(signIn.stage).toBe("ready");
});

test("the session ends: at rest the agent is asked, in a call only told", () => {
  const rest = setup();
  rest.signIn.acknowledged();
  rest.signIn.sessionEnded();
  expect(rest.signIn.stage).toBe("sign_in");
  const call = setup();
  call.signIn.acknowledged();
  call.world.isInCall = true;
  call.signIn.sessionEnded();
  expect(call.signIn.stage).toBe("lost");
});

test("an agent whom Connect refuses is told so", () => {
  const { signIn } = setup();
  signIn.accessDenied();
  expect(signIn.stage).toBe("denied");
});
