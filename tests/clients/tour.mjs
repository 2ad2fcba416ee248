// @gitbeaker/rest, unmodified, on a whole tour of the simulator; started by run_client.py. GITBEAKER names the folder that
// its packages were installed into; its command line is tried at the end.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const home = process.env.GITBEAKER;
if (!home || !existsSync(`${home}/node_modules/@gitbeaker/rest`)) {
  console.log('skipped: GITBEAKER names no folder with @gitbeaker/rest');
  process.exit(77);
}
const { Gitlab } = await import(pathToFileURL(`${home}/node_modules/@gitbeaker/rest/dist/index.mjs`));
const host = process.env.GITLAB_URL;
const api = new Gitlab({ host, token: process.env.GITLAB_TOKEN });
const as = (token) => new Gitlab({ host, token });
const refused = async (promise, status) => {
  const error = await promise.then(() => null, (reason) => reason);
  assert.equal(error?.cause?.response?.status, status);
};

const tours = {
  async 'who it is'() {
    assert.equal((await api.Users.showCurrentUser()).username, 'root');
    assert.equal((await api.Metadata.show()).version, '18.11.5-ee');
  },
  async users() {
    const user = await api.Users.create({ username: 'alice', name: 'Alice', email: 'a@example.com', resetPassword: true });
    assert.equal((await api.Users.all({ username: 'alice' }))[0].id, user.id);
    await api.Users.block(user.id);
    assert.equal((await api.Users.show(user.id)).state, 'blocked');
    await api.Users.unblock(user.id);
    const token = await api.UserImpersonationTokens.create(user.id, 'as alice', ['api'], '2026-12-24');
    assert.equal((await as(token.token).Users.showCurrentUser()).username, 'alice');
    await api.UserImpersonationTokens.revoke(user.id, token.id);
    await refused(as(token.token).Users.showCurrentUser(), 401);
  },
  async 'personal tokens'() {
    const [user] = await api.Users.all({ username: 'alice' });
    const made = await api.PersonalAccessTokens.create(user.id, 'laptop', ['api'], { expiresAt: '2026-12-24' });
    const fresh = await api.PersonalAccessTokens.rotate(made.id, { expiresAt: '2026-12-31' });
    assert.equal(fresh.expires_at, '2026-12-31');
    await refused(as(made.token).PersonalAccessTokens.show(), 401);
    assert.equal((await as(fresh.token).PersonalAccessTokens.show()).id, fresh.id);
    // Reuse: the old one on a rotate path kills its successor.
    await refused(as(made.token).PersonalAccessTokens.rotate('self'), 401);
    await refused(as(fresh.token).PersonalAccessTokens.show(), 401);
    const all = await api.PersonalAccessTokens.all({ userId: user.id, perPage: 1 });
    assert.ok(all.length >= 2);
  },
  async 'tokens of projects and groups'() {
    const group = await api.Groups.create('shop', 'shop');
    const project = await api.Projects.create({ name: 'api', path: 'api', namespaceId: group.id });
    for (const [tokens, id] of [[api.ProjectAccessTokens, project.id], [api.GroupAccessTokens, group.id]]) {
      const made = await tokens.create(id, 'ci', ['api'], '2026-12-24', { accessLevel: 30 });
      assert.equal((await tokens.all(id)).length, 1);
      const fresh = await tokens.rotate(id, made.id, { expiresAt: '2026-12-31' });
      assert.equal((await tokens.show(id, made.id)).revoked, true);
      await tokens.revoke(id, fresh.id);
      assert.equal((await tokens.show(id, fresh.id)).revoked, true);
    }
  },
  async 'deploy tokens'() {
    const [project] = await api.Projects.all();
    const made = await api.DeployTokens.create('deploy', ['read_registry'], { projectId: project.id, expiresAt: '2026-12-24' });
    assert.match(made.token, /^gldt-/);
    assert.equal((await api.DeployTokens.all({ projectId: project.id }))[0].id, made.id);
    await api.DeployTokens.remove(made.id, { projectId: project.id });
    assert.deepEqual(await api.DeployTokens.all({ projectId: project.id }), []);
  },
  async variables() {
    const [project] = await api.Projects.all();
    const [group] = await api.Groups.all();
    for (const [variables, id] of [[api.ProjectVariables, project.id], [api.GroupVariables, group.id]]) {
      await variables.create(id, 'KEY', 'value-0000', { masked: true });
      await variables.edit(id, 'KEY', 'value-1111');
      assert.equal((await variables.show(id, 'KEY')).value, 'value-1111');
      await variables.create(id, 'KEY', 'value-2222', { environmentScope: 'production' });
      await refused(variables.show(id, 'KEY'), 409);
      const found = await variables.show(id, 'KEY', { filter: { environment_scope: 'production' } });
      assert.equal(found.value, 'value-2222');
      assert.equal((await variables.all(id)).length, 2);
      await variables.remove(id, 'KEY', { filter: { environment_scope: 'production' } });
    }
  },
  async members() {
    const [project] = await api.Projects.all();
    const [user] = await api.Users.all({ username: 'alice' });
    await api.ProjectMembers.add(project.id, 30, { userId: user.id });
    await api.ProjectMembers.edit(project.id, user.id, 40);
    assert.equal((await api.ProjectMembers.show(project.id, user.id)).access_level, 40);
    await api.ProjectMembers.remove(project.id, user.id);
    await refused(api.ProjectMembers.show(project.id, user.id), 404);
  },
  async triggers() {
    const [project] = await api.Projects.all();
    const trigger = await api.PipelineTriggerTokens.create(project.id, 'nightly');
    assert.equal((await api.PipelineTriggerTokens.all(project.id))[0].id, trigger.id);
    await api.PipelineTriggerTokens.remove(project.id, trigger.id);
  },
  async 'its command line'() {
    const text = execFileSync(process.execPath, [`${home}/node_modules/@gitbeaker/cli/dist/index.mjs`, 'users', 'all',
      '--username', 'alice'], { env: { ...process.env, GITBEAKER_HOST: host, GITBEAKER_TOKEN: process.env.GITLAB_TOKEN } });
    assert.equal(JSON.parse(text)[0].username, 'alice');
  },
};

let failed = 0;
for (const [name, tour] of Object.entries(tours)) {
  try {
    await tour();
    console.log(`ok - ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok - ${name}: ${error.stack ?? error}`);
  }
}
process.exit(failed ? 1 : 0);
