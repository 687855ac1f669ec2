/** Small files of the formats beside the first, sound but for what a test puts into them. */

export type Cells = Record<string, string>

/** Headers as those files have them. */
export const HEADERS = {
  'tmdb-5000':
    'budget,genres,homepage,id,keywords,original_language,original_title,overview,popularity,production_companies,production_countries,release_date,revenue,runtime,spoken_languages,status,tagline,title,vote_average,vote_count',
  'tmdb-v11':
    'id,title,vote_average,vote_count,status,release_date,revenue,runtime,adult,backdrop_path,budget,homepage,imdb_id,original_language,original_title,overview,popularity,poster_path,tagline,genres,production_companies,production_countries,spoken_languages',
  'imdb-5000':
    'color,director_name,num_critic_for_reviews,duration,director_facebook_likes,actor_3_facebook_likes,actor_2_name,actor_1_facebook_likes,gross,genres,actor_1_name,movie_title,num_voted_users,cast_total_facebook_likes,actor_3_name,facenumber_in_poster,plot_keywords,movie_imdb_link,num_user_for_reviews,language,country,content_rating,budget,title_year,actor_2_facebook_likes,imdb_score,aspect_ratio,movie_facebook_likes',
} as const

export type FormatName = keyof typeof HEADERS

const tmdb = (id: number): Cells => ({
  id: String(id),
  title: `Film ${id}`,
  original_title: `Film ${id}`,
  release_date: '1995-10-30',
  budget: '30000000',
  revenue: '373554033',
  popularity: '21.9',
  vote_average: '7.7',
  vote_count: '5415',
  runtime: '81',
  status: 'Released',
  original_language: 'en',
})

const SOUND: Record<FormatName, (id: number) => Cells> = {
  'tmdb-5000': (id) => ({
    ...tmdb(id),
    keywords: '[{"id": 931, "name": "jealousy"}]',
    genres: '[{"id": 16, "name": "Animation"}]',
    production_companies: '[{"name": "Pixar Animation Studios", "id": 3}]',
    production_countries: '[{"iso_3166_1": "US", "name": "United States of America"}]',
    spoken_languages: '[{"iso_639_1": "en", "name": "English"}]',
  }),
  'tmdb-v11': (id) => ({
    ...tmdb(id),
    adult: 'FALSE',
    backdrop_path: '/x.jpg',
    imdb_id: `tt${String(id).padStart(7, '0')}`,
    genres: 'Animation',
    production_companies: 'Pixar Animation Studios',
    production_countries: 'United States of America',
    spoken_languages: 'English',
  }),
  'imdb-5000': (id) => ({
    color: 'Color',
    movie_title: `Film ${id}\u00a0`,
    movie_imdb_link: `http://www.imdb.com/title/tt${String(id).padStart(7, '0')}/?ref_=fn_tt_tt_1`,
    title_year: '1995',
    budget: '30000000',
    gross: '191796233',
    genres: 'Animation',
    director_name: 'John Lasseter',
    duration: '81',
    language: 'English',
    country: 'USA',
    content_rating: 'G',
    imdb_score: '8.3',
    num_voted_users: '623757',
  }),
}

/** A file with one line for each film, numbered from 1, but for the cells that are given. */
export function fileOf(format: FormatName, films: Cells[], header: string = HEADERS[format]): string {
  const lines = films.map((cells, index) => {
    const film = { ...SOUND[format](index + 1), ...cells }
    return header
      .split(',')
      .map((column) => quoted(film[column] ?? ''))
      .join(',')
  })
  return `${[header, ...lines].join('\n')}\n`
}

const quoted = (cell: string) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)
