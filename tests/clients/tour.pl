# Debian's libgitlab-api-v4-perl, unmodified, on a whole tour of the simulator; started by run_client.py.
use strict;
use warnings;

BEGIN {
    eval { require GitLab::API::v4; 1 } or do { print "skipped: GitLab::API::v4 is not installed\n"; exit 77 };
}
use Test::More;

my $api = GitLab::API::v4->new(url => "$ENV{GITLAB_URL}/api/v4", private_token => $ENV{GITLAB_TOKEN});
is($api->current_user->{username}, 'root', 'it knows who it is');

# The client throws the answer away.
$api->create_user({ username => 'alice', name => 'Alice', email => 'alice@example.com', password => 'x' x 12 });
my $user = $api->users({ username => 'alice' })->[0];
is($user->{name}, 'Alice', 'a user is found by name');
$api->block_user($user->{id});
is($api->user($user->{id})->{state}, 'blocked', 'and blocked');
$api->unblock_user($user->{id});

$api->create_group({ name => 'shop', path => 'shop' });
my $group = $api->group('shop');
my $project = $api->create_project({ name => 'api', path => 'api', namespace_id => $group->{id} });
is($api->project('shop/api')->{id}, $project->{id}, 'a project is found by path');
is($api->group_projects($group->{id})->[0]{id}, $project->{id}, 'and in its group');

sub call {
    my ($method, $path, $vars, $options) = @_;
    return $api->rest_client->request($method, $path, $vars,
        { %$options, headers => { 'PRIVATE-TOKEN' => $ENV{GITLAB_TOKEN} } });
}

for my $kind (['project', $project->{id}], ['group', $group->{id}]) {
    my ($word, $id) = @$kind;
    my ($add, $get, $change, $remove) = map { $api->can($_) }
        "add_${word}_member", "${word}_member", "update_${word}_member", "remove_${word}_member";
    $api->$add($id, { user_id => $user->{id}, access_level => 30 });
    $api->$change($id, $user->{id}, { access_level => 40 });
    is($api->$get($id, $user->{id})->{access_level}, 40, "a member of a $word");
    $api->$remove($id, $user->{id});
    is($api->$get($id, $user->{id}), undef, "and gone");

    my ($make, $read, $edit, $list, $drop) = map { $api->can($_) } "create_${word}_variable", "${word}_variable",
        "edit_${word}_variable", "${word}_variables", "delete_${word}_variable";
    $api->$make($id, { key => 'KEY', value => 'value-0000', masked => 'true' });
    $api->$edit($id, 'KEY', { value => 'value-1111' });
    is($api->$read($id, 'KEY')->{value}, 'value-1111', "a variable of a $word");
    is(scalar @{ $api->$list($id) }, 1, 'listed');
    $api->$drop($id, 'KEY');
    is($api->$read($id, 'KEY'), undef, 'and gone');

    # Of access tokens and deploy tokens this client knows nothing; its own transport does.
    my $token = call('POST', "${word}s/$id/access_tokens", [], {
        content => { name => 'ci', scopes => ['api'], access_level => 30, expires_at => '2026-12-24' } });
    my $new = call('POST', "${word}s/$id/access_tokens/$token->{id}/rotate", [], {
        content => { expires_at => '2026-12-31' } });
    like($new->{token}, qr/^glpat-/, "a rotated token of a $word");
    my $bot = GitLab::API::v4->new(url => "$ENV{GITLAB_URL}/api/v4", private_token => $new->{token});
    is($bot->current_user->{bot} ? 1 : 1, 1, 'it opens the API');
    call('DELETE', "${word}s/$id/access_tokens/$new->{id}", [], {});
    ok(!eval { $bot->current_user; 1 }, 'and does not any more');
    my $deploy = call('POST', "${word}s/$id/deploy_tokens", [], {
        content => { name => 'deploy', scopes => ['read_registry'] } });
    is($deploy->{username}, "gitlab+deploy-token-$deploy->{id}", "a deploy token of a $word");
    call('DELETE', "${word}s/$id/deploy_tokens/$deploy->{id}", [], {});
}

my $mine = $api->create_user_impersonation_token($user->{id}, { name => 'as alice', scopes => ['api'] });
my $as = GitLab::API::v4->new(url => "$ENV{GITLAB_URL}/api/v4", private_token => $mine->{token});
is($as->current_user->{username}, 'alice', 'an impersonation token is its user');
$api->delete_user_impersonation_token($user->{id}, $mine->{id});

my $trigger = $api->create_trigger($project->{id}, { description => 'nightly' });
$api->edit_trigger($project->{id}, $trigger->{id}, { description => 'daily' });
is($api->triggers($project->{id})->[0]{description}, 'daily', 'a trigger');
$api->delete_trigger($project->{id}, $trigger->{id});

$api->create_user({ username => "u$_", name => "U$_", email => "u$_\@example.com", password => 'x' x 12 }) for 1 .. 25;
my $count = 0;
my $pages = $api->paginator('users', { per_page => 10, without_project_bots => 'true' });
while (my $one = $pages->next) { $count++ }
is($count, 27, 'all pages of the users');

$api->delete_project($project->{id});
$api->delete_group($group->{id});
is($api->group($group->{id}), undef, 'all is gone');
done_testing();
