/* What a person is told, condition by condition: the one source of the six lines and of the manual's sections. */
#include "report/advice.h"

#include "base/cleanup.h"

#define TOKEN ADVICE_TOKEN

/* In the order of the fields: headline, works, why, action, risk, more. */
/* clang-format off */
static const struct advice_text texts[] = {
	{
		GLR_DATABASE_DAMAGED,
		"the journal is damaged, or is not a database of glrotate's",
		"every secret stands where it was delivered and lives until its token's own date",
		"the file journal.db in the state directory cannot be read; nothing was asked of GitLab",
		"put journal.db back from the newest backup of the state directory, then: glrotate run\n"
		"without a backup, as root in the state directory: mv journal.db journal.db.damaged\n"
		"glrotate plan; glrotate run   # for the stamps of the old journal see GLR-107",
		"tokens near their date die while nobody renews them; a secret in flight in the damaged file is lost",
		"Those whose rotation was open in the damaged file are the exception: their old secret may be dead. Tokens are adopted again by their addresses, and nothing is rotated for it. An old backup is noticed, and nothing is overwritten by it: GLR-106.",
	},
	{
		GLR_KEY_MISSING,
		"the key that seals secrets in flight is missing, malformed, or another one",
		"every secret stands where it was delivered and lives until its token's own date",
		"the credential glrotate-key, or the file key in the state directory, is not the one the journal was made with",
		"put the key back from its backup (owner: glrotate's user, mode 0600), then: glrotate run\n"
		"if it is gone for ever, as root in the state directory: mv journal.db journal.db.unreadable\n"
		"glrotate plan; glrotate run   # for the stamps of the old journal see GLR-107",
		"tokens near their date die while nobody renews them; without the key the secrets in flight are lost",
		"GitLab was not asked. The journal stores a fingerprint of its key, so a wrong key never makes things worse.",
	},
	{
		GLR_SEAL_BROKEN,
		"a sealed secret in the journal does not open",
		"every secret that was delivered; the one in flight is the newest of its token",
		"its row was altered, or copied from another journal",
		"glrotate history   # which token was held last\n"
		"put journal.db and key back from one backup, made at one time, then: glrotate run\n"
		"without a backup, as root in the state directory: mv journal.db journal.db.damaged; then see GLR-107",
		"the token's old secret is dead already: its consumers fail until it is rotated again",
		"glrotate history --verify tells whether events were changed. If nobody of yours touched the file, somebody else may have.",
		.is_dead = true,
	},
	{
		GLR_DATABASE_NEWER,
		"the journal was written by a newer glrotate",
		"every secret stands where it was delivered and lives until its token's own date",
		"an older program could misread the rows of a newer one, so it does not touch them",
		"glrotate --version\n"
		"install the newer version again, then: glrotate run\n"
		"without it, as root in the state directory: mv journal.db journal.db.newer\n"
		"glrotate plan; glrotate run   # for the stamps of the old journal see GLR-107",
		"tokens near their date die while nobody renews them",
		"A journal is brought up to date by the first run of a newer version, and there is no way back but a backup.",
	},
	{
		GLR_PATH_MOVED,
		"a path of the policy leads to another project, group or user than before",
		"the present secret, where it was delivered",
		"the numbers were pinned when the token was adopted; the path was given to somebody else since, or the project was moved",
		"glrotate explain " TOKEN "\n"
		"write the path where it lives now into the policy, then: glrotate check",
		"following the path would hand a secret to whoever holds it now",
		"That is why it is not followed. Numbers do not change in GitLab: curl --header @FILE URL/api/v4/projects/ID shows where the project is now.",
	},
	{
		GLR_JOURNAL_OLD,
		"a destination holds a later secret of ours than the journal knows",
		"the secret that stands in the destination, if its token lives",
		"the state directory was put back from an old backup",
		"put the newest state directory back, then: glrotate run\n"
		"without it, take the [glrotate …] stamp out of the destination as GLR-107 says, then:\n"
		"glrotate rotate " TOKEN " --reason 'journal restored from an old backup'",
		"writing over it would replace a newer secret by an older one",
		"A stamp is [glrotate #ID DATE gGENERATION JOURNAL]; it says nothing of the secret.",
	},
	{
		GLR_SECOND_AGENT,
		"a destination carries the stamp of another glrotate",
		"the secret that the other one delivered, if its token lives",
		"another state directory wrote it: a second agent, or this host's own journal before it was made anew",
		"glrotate explain " TOKEN "\n"
		"if a second agent runs, take the token out of one of the two policies\n"
		"if not: a variable: Settings > CI/CD > Variables, take [glrotate …] out of its description\n"
		"        a file: setfattr -x user.glrotate PATH\n"
		"glrotate run",
		"two agents that rotate one token kill each other's secrets",
		"Without a stamp a destination may be written; the next delivery leaves ours.",
	},
	{
		GLR_FOREIGN_ROTATION,
		"somebody else rotated this token",
		"the secret of whoever rotated it; the one in the destinations is dead",
		"GitLab shows a successor that no request of ours made",
		"find out who did it (GitLab's audit events, the token's owner), and agree who rotates it\n"
		"glrotate rotate " TOKEN " --reason 'taken over from …'\n"
		"or take its entry out of the policy",
		"consumers of the destinations fail now; taking over makes the other one's secret die",
		"A person pressed Rotate, a script renews it too, or whoever stole the secret did. Nothing is changed before you decide, however long that takes.",
		.is_dead = true,
	},
	{
		GLR_REVOKED,
		"the token is dead",
		"nothing: its secret is dead wherever it stands",
		"it ran out, or was revoked and has no living successor",
		"if it was meant to go, take its entry out of the policy\n"
		"if it only ran out: glrotate run\n"
		"if it was revoked: create a token of the same name in GitLab, then:\n"
		"glrotate rotate " TOKEN " --reason 'new after it was revoked'",
		"what was revoked because it leaked comes back if nobody asks why",
		"A whole family is revoked when an old secret of it is presented again. glrotate makes no new token in the place of a revoked one by itself: whoever revoked it may have had a reason. What only ran out is renewed by its number.",
		.is_dead = true,
	},
	{
		GLR_IDENTITY,
		"the token's number is another token than the one that was adopted",
		"not known; nothing was touched",
		"its user, name or creation differ from what the journal remembers; a GitLab restored from a backup looks like this",
		"glrotate explain " TOKEN "\n"
		"compare with GitLab: curl --header @FILE URL/api/v4/personal_access_tokens/ID\n"
		"if the new one is right, take the entry out, glrotate run, put it back, glrotate run",
		"rotating it could kill a stranger's secret",
		"The policy's id: may have been changed. After a restore of GitLab expect this for several tokens; look at all before you act on one.",
	},
	{
		GLR_OWNER_BLOCKED,
		"the token's user is blocked or deactivated",
		"nothing: GitLab refuses the secrets of a blocked user",
		"a new secret would be refused as the old one is, so none is made",
		"Admin area > Users > the user > Unblock (or POST URL/api/v4/users/ID/unblock), then: glrotate run\n"
		"or, if the user is gone for good, take the entry out of the policy",
		"automation that hangs on a person's account ends with it; a service account does not",
		"The token keeps its date meanwhile and may have run out when the user is back.",
		.is_dead = true,
	},
	{
		GLR_BOT_NOT_MEMBER,
		"the token's bot user is no member of its project or group",
		"the secret authenticates, and sees nothing of the project or group",
		"the bot's membership ended or was taken away; GitLab deletes such bots and their tokens after a time",
		"create another token of the same name in Settings > Access tokens, revoke this one there, then:\n"
		"glrotate rotate " TOKEN " --reason 'new bot'",
		"pipelines fail although the token is alive",
		"A bot cannot be made a member again, and a rotation does not do it. Before GitLab 16.8 (groups: 16.10) the membership ended at the date of the token before. To look: curl --header @FILE URL/api/v4/projects/ID/members/all/USER_ID",
	},
	{
		GLR_DESTINATION_REFUSED,
		"a destination does not take the secret",
		"the destinations that took it; nothing was rotated if this was found before",
		"a right is missing there, or what it holds was changed in a way that is refused",
		"glrotate explain " TOKEN "\n"
		"glrotate check   # which right is missing\n"
		"mend it, then: glrotate run",
		"a rotated secret that is not delivered waits sealed in the journal; its consumers fail until then",
		"A destination that refuses for seven days is set aside, so that the others go on; status keeps naming it, and each run tries it again while another place can be asked for the secret.",
	},
	{
		GLR_OWN_CREDENTIAL,
		"GitLab refuses glrotate's own credential",
		"every secret stands where it was delivered and lives until its token's own date",
		"it ran out, was revoked or mistyped, is of another GitLab or of a blocked user, or another token stands in its place",
		"make a new one in GitLab (scope api; an administrator's with Admin Mode also admin_mode)\n"
		"systemd-ask-password -n 'the new token:' | glrotate setup   # as root; or: glrotate setup < FILE\n"
		"glrotate check",
		"no token is renewed until then; presenting a dead credential again could revoke its whole family, so it is not tried",
		"The run ended at once. Setup proves the new one and keeps it where the policy has it: encrypted for the service, or in the file that gitlab.credential names. Glrotate check tells the date on which it dies.",
	},
	{
		GLR_CANNOT_CREATE,
		"the token does not exist, and cannot be created",
		"nothing of it: it does not exist",
		"our credential may not create it, or its entry does not say with which scopes and level",
		"glrotate explain " TOKEN "\n"
		"complete the entry (scopes, access_level), or create the token by hand under that name\n"
		"glrotate run   # adopts it",
		"its destinations stay without a secret",
		"A person's token wants an administrator. One created by hand is delivered at its first rotation: glrotate rotate TOKEN --reason 'first delivery'.",
		.is_dead = true,
	},
	{
		GLR_NAMESAKES,
		"several tokens have this address",
		"those that live, each until its own date",
		"nothing tells which of them is meant, so none is touched",
		"glrotate explain " TOKEN "   # lists their numbers\n"
		"write `id: NUMBER` into the entry, or revoke the one that nobody uses in GitLab\n"
		"if only dead ones are left: create one of that name in GitLab\n"
		"glrotate check",
		"none is renewed; the one in use dies at its date",
		"explain says when each was last used; that lags by some minutes in GitLab.",
	},
	{
		GLR_ROTATE_REFUSED,
		"GitLab refuses to rotate the token",
		"the present secret, where it was delivered",
		"our credential may do less than the token, or a setting of the instance forbids it",
		"glrotate explain " TOKEN "   # GitLab's words\n"
		"glrotate check   # which right is missing\n"
		"give the credential's user that right, then: glrotate run",
		"the token dies at its date if nobody renews it",
		"The old secret is as it was. Needed is Maintainer for a project's token and Owner for a group's, and never less than the token's own level.",
	},
	{
		GLR_DOUBT_STAYS,
		"whether GitLab made a new secret cannot be found out",
		"the old secret if the request did not happen; nothing if it did",
		"the answer was lost, and our credential no longer sees the owner's whole list; absence proves nothing then",
		"glrotate check   # which owner cannot be read\n"
		"give the credential its right back, then: glrotate run",
		"asking again without knowing could kill a secret that is in use",
		"A demotion, Admin Mode without admin_mode and a moved project shorten a list without a word. Nobody can have used a secret whose answer was lost: a successor that was used is somebody else's.",
	},
	{
		GLR_OWNER_UNREADABLE,
		"the owner's tokens cannot be listed",
		"the present secret, where it was delivered",
		"the project, group or user is gone, was renamed, or our credential may not see its tokens",
		"glrotate check\n"
		"give the credential's user Maintainer (project) or Owner (group), or correct the path in the policy\n"
		"glrotate run",
		"the token dies at its date if nobody renews it",
		"GitLab answers 401 or 404 alike. A bot user of another project or group cannot be given this right; use a person's, a service account's or an administrator's token.",
	},
	{
		GLR_CLOCK,
		"this host's clock and GitLab's differ, so nothing is rotated",
		"every secret stands where it was delivered and lives until its token's own date",
		"one of the two is wrong, and nothing here tells which: dates that are asked for, and what tells our new tokens from a stranger's, hang on GitLab's",
		"date -u; curl --silent --head URL | grep -i '^date:'\n"
		"timedatectl   # is this host's clock synchronised?\n"
		"correct the one that is wrong, then: glrotate check; glrotate run\n"
		"if this host has no right time and needs none: limits: { clock_skew: … } in the policy",
		"tokens near their date die while nobody renews them",
		"All is read as ever, and secrets that are held already are delivered. GitLab's time is taken from the Date line of its answers, which a proxy before it may have written.",
	},
	{
		GLR_RESTORED,
		"GitLab was put back from a backup, so nothing new is begun",
		"what GitLab knew when the backup was made; secrets that were made since are dead",
		"a token that the journal knows to be dead lives again, or numbers that were given are given no more",
		"glrotate plan   # which tokens show it\n"
		"glrotate rotate " TOKEN
		" --reason 'GitLab was restored'   # for each: its secret is delivered anew\n"
		"and what was created since the backup, and is gone: glrotate explain " TOKEN,
		"rotating by memory could take a token for another that was given its number",
		"Nothing new is begun, in no project, until no token shows it any more. An order names the token, and is carried out.",
	},
	{
		GLR_LOSSES,
		"more tokens were lost than are repaired without a person",
		"nothing of them: their secrets are dead wherever they stand",
		"more than three losses in one run have a cause that is not theirs: a proxy, GitLab itself, or somebody who revokes",
		"glrotate status --failed   # which ones\n"
		"look into GitLab's log at the time of the first, and mend the cause\n"
		"glrotate rotate " TOKEN " --reason 'lost'   # one to three at a time",
		"what revoked these would revoke their successors",
		"Only tokens whose entry says on_loss: recreate are made anew, and only what the journal proves to be lost through us.",
		.is_dead = true,
	},
	{
		GLR_NEW_BOT,
		"a lost token was made anew, with a new bot user",
		"the new secret: it is delivered as the entry says",
		"a project's or group's token cannot be created for the bot of another, and the old one was dead",
		"glrotate explain " TOKEN "\n"
		"grant the new bot what the old one had: protected branches and tags, CODEOWNERS, approval rules, other projects",
		"what the old bot alone was allowed to do fails with the new secret",
		"It is told once, by the run that did it; glrotate history tells it for ever.",
	},
	{
		GLR_SELF_LOST,
		"a token that rotates itself is dead, and nobody holds a living secret of it",
		"nothing: its secret is dead wherever it stands",
		"the answer with its next secret was lost, or it ran out or was revoked; no other credential could get it back",
		"glrotate history " TOKEN "\n"
		"create a token of the same name and scopes in GitLab, and revoke the old ones of that name\n"
		"install -m 600 /dev/stdin FILE   # the file that 'secret' or 'credential' of the policy names\n"
		"glrotate run",
		"whoever uses it fails until then; if it is glrotate's own, nothing is renewed",
		"A token that nobody else may rotate has nobody who could make a second new secret when the answer with the first was lost. With rescue_credential, another token that has a right to it, glrotate gets it back by itself: it finds the successor by its number and rotates that. The dead secret is never presented to a rotation, since GitLab would revoke the successor for it.",
		.is_dead = true,
	},
	{
		GLR_RESCUE,
		"the rescue credential would not help",
		"everything, as long as no answer of a token that rotates itself is lost",
		"it is refused, cannot be read, or is the very token that it should get back",
		"create another token, of an administrator or of the same user, scope api\n"
		"install -m 600 /dev/stdin FILE   # the file that 'rescue_credential' of the policy names\n"
		"glrotate check",
		"a lost answer would lock glrotate out until somebody makes a new token by hand",
		"It is proven once a day, and when its secret changes. A token of the same user gets that user's personal tokens back; an administrator's all of them.",
	},
	{
		GLR_OLD_IN_USE,
		"somebody still uses the old token, a week after its overlap ended",
		"both: the old token, and the new one in all its destinations",
		"whoever uses it got it by another way than the policy's destinations",
		"glrotate explain " TOKEN "   # when and from where it was used last\n"
		"give that place the new secret, or add it to 'deliver:' in the policy\n"
		"revoke the old one in GitLab when it is not needed: the next run goes on",
		"until it is retired there are two secrets, and the old one dies at its own date",
		"With retire: when_unused glrotate waits until nobody has used the old token for as long as quiet says. GitLab's page of the token shows where it was used from, where its release knows that.",
	},
	{
		GLR_SECRET_REFUSED,
		"GitLab lists a new deploy token as alive, and refuses its secret",
		"the old one, which is not ended; as a rule it is still what the destinations hold",
		"the registry's or the repository's door answered 401 to the new secret, more than five minutes after it was made",
		"glrotate run   # it is asked again\n"
		"glrotate explain " TOKEN "   # shows its number\n"
		"if it stays, revoke it in GitLab: Settings > Repository > Deploy tokens\n"
		"glrotate run   # makes another one",
		"nobody gets the new secret; the old one dies at its own date",
		"A deploy token cannot use the API. glrotate shows its secret once a run where its users do: to the container registry (/jwt/auth) or to its own project's repository, before anybody gets it and again before the old one is ended. Where neither answers, GitLab's list of deploy tokens must do. To see the answer oneself: curl --user NAME 'URL/jwt/auth?service=container_registry' asks for the password.",
	},
	{
		GLR_SLOT_SHADOWED,
		"a variable goes before the slot of a deploy token",
		"what jobs have now: the old token lives",
		"jobs get the variable, and not the deploy token that GitLab hands out; replacing the token would end the password that the variable may hold",
		"glrotate check   # which variable, of which project or group\n"
		"delete that variable in GitLab (Settings, CI/CD, Variables), so that jobs get the token itself\n"
		"or say where it is: ci_deploy_pair: { group: PATH } in 'deliver:' of the entry; then it is delivered too\n"
		"glrotate run",
		"the deploy token dies at its date if nobody replaces it, and whatever the variable holds with it",
		"The variables are CI_DEPLOY_USER and CI_DEPLOY_PASSWORD, of the project, of any group above it, or of the instance, in any environment scope. Nothing was created and nothing ended. While a replacement is under way glrotate's own variable CI_DEPLOY_PASSWORD stands in the project, the pin: its description says so. One that was changed meanwhile is left as it is, and told as this.",
	},
	{
		GLR_SLOT_TWO,
		"two deploy tokens stand in one slot",
		"both, each until its own date",
		"two living tokens are called gitlab-deploy-token, and which of them a job gets GitLab does not say",
		"glrotate explain " TOKEN "   # lists their numbers\n"
		"end the one that is not needed in GitLab (Settings, Repository, Deploy tokens), when no job that runs can have it\n"
		"glrotate run",
		"the other one is renewed by nobody: jobs that get it fail from its date on",
		"A project's slot and that of the group above it are two slots, and the project's goes first. Jobs keep the password that they started with until they end, so the token is best ended when none runs that began while both were there. What glrotate itself makes beside an old token is pinned, and is not told as this.",
	},
	{
		GLR_SLOT_JOB,
		"a job that may hold the old password runs on and on",
		"both: the old deploy token, and the new one that every new job gets",
		"ending the old token would take the password away from a job that began before new ones got the new password",
		"glrotate explain " TOKEN "   # which job, of which project\n"
		"let it end, or cancel it in GitLab\n"
		"glrotate run",
		"until the old token is ended there are two passwords, and the old one dies at its own date",
		"It is told when the job still runs a day after the overlap. Nothing is ended before.",
	},
	{
		GLR_CREDENTIALS,
		"systemd cannot decrypt the service's credentials on this machine",
		"every secret stands where it was delivered and lives until its token's own date",
		"they are encrypted by this machine's key and, where it has one, its TPM; on another board, after a TPM was reset, or on a copied disk they are of no use",
		"cd /etc/credstore.encrypted; for f in glrotate*; do systemd-creds decrypt --name=${f#*.} $f - >/dev/null && echo $f is good; done\n"
		"glrotate setup   # takes the GitLab token anew, and says what becomes of the key\n"
		"with a backup of the key itself: systemd-creds encrypt --name=glrotate-key - /etc/credstore.encrypted/glrotate.glrotate-key\n"
		"without one, as root in /var/lib/glrotate: mv journal.db journal.db.unreadable; rm /etc/credstore.encrypted/glrotate.glrotate-key\n"
		"then again: glrotate setup   # for the stamps of the old journal see GLR-107",
		"tokens near their date die while nobody renews them; without the key the secrets in flight are lost",
		"GitLab was not asked. Of two machines with one disk only one may go on: disable glrotate.timer on the other. What was encrypted on the old board is good there.",
	},
	{
		GLR_NOT_MANAGED,
		"nobody renews a token that a pattern means",
		"its secret, wherever it is",
		"it can do more than level_at_most or scopes_at_most of the pattern allow, or the pattern may not touch it",
		"glrotate explain " TOKEN "   # which entry, and what is too much\n"
		"if it may be what it is: an entry of its own, with the token's address and where it goes, then: glrotate run\n"
		"if it leaked: revoke it in GitLab (Settings, Access tokens), and make one that can do less\n"
		"if nobody is to hear of it: name it under 'except:' of the pattern",
		"it dies at its own date, with whatever uses it; one that leaked works until then",
		"An order does not go beyond what the policy lets glrotate keep alive: it is refused with this, and glrotate history keeps it with its reason.",
	},
	{
		GLR_OWN_ENDS,
		"glrotate's own credential is about to die, and nobody renews it",
		"everything",
		"the token that glrotate itself uses has a date like all others, and the policy does not say that it rotates itself",
		"make another token of the same user in GitLab, with the scope api\n"
		"systemd-ask-password -n 'the new token:' | glrotate setup   # as root; or: glrotate setup < FILE\n"
		"glrotate run",
		"from that moment on no token is renewed, and one after the other dies at its date",
		"Setup proves the new one and puts it in the place of the old one, encrypted for the service or in the file that gitlab.credential names. It is told from 14 days before its end, or from the last third of its life, by glrotate run, check and status; in the second half of that status --health is not well. A credential that stands in a file can rotate itself: rotate: yes in the gitlab section.",
	},
};
/* clang-format on */

const struct advice_text *
advice_of(int advice)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].advice == advice)
			return &texts[i];
	return NULL;
}
